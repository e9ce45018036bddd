// SPDX-License-Identifier: Apache-2.0
// The promise under test: the client that people have (npm's toxiproxy-node-client) drives a real
// agent. Arguments: the agent's program. Skipped (77) where the client is not installed:
// PANSHI_NODE_MODULES names the folder that has it.
import {spawn} from 'node:child_process';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import net from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import assert from 'node:assert';

const address = '127.103.0.9';
let Toxiproxy;
try {
  const modules = process.env.PANSHI_NODE_MODULES ?? 'node_modules';
  ({Toxiproxy} = createRequire(join(modules, 'x.js'))('toxiproxy-node-client'));
} catch {
  console.log('skipped: toxiproxy-node-client is not installed');
  process.exit(77);
}

const until = async (condition) => {
  for (let i = 0; i < 1000; ++i) {
    if (await condition().catch(() => false)) return;
    await new Promise((done) => setTimeout(done, 10));
  }
  throw new Error('waited for too long');
};

// What comes back for `text`; null when the connection is refused, reset or closed without a word.
const ask = (port, text) => new Promise((done) => {
  const socket = net.connect(port, address);
  socket.on('connect', () => socket.write(text));
  socket.on('data', (data) => { socket.destroy(); done(data.toString()); });
  socket.on('error', () => done(null));
  socket.on('close', () => done(null));
});

async function drive(upstream) {
  const client = new Toxiproxy(`http://${address}:18474`);
  await until(() => client.getVersion());
  const proxy = await client.createProxy(
      {name: 'echo', listen: `${address}:0`, upstream: `${address}:${upstream}`});
  const port = Number(proxy.listen.split(':')[1]);
  assert.equal(await ask(port, 'hello'), 'hello');

  const latency = await proxy.addToxic({type: 'latency', attributes: {latency: 300, jitter: 0}});
  assert.equal(latency.name, 'latency_downstream');
  const began = performance.now();
  assert.equal(await ask(port, 'slow'), 'slow');
  assert.ok(performance.now() - began >= 300);
  await latency.remove();

  await proxy.addToxic({type: 'limit_data', attributes: {bytes: 2}, toxicity: 1});
  assert.equal(await ask(port, 'abcdef'), 'ab');
  await proxy.update({...proxy.toJson(), enabled: false});
  assert.equal(await ask(port, 'x'), null);
  await client.reset();
  assert.equal(await ask(port, 'again'), 'again');
  await assert.rejects(client.get('nobody'));
  await assert.rejects(client.createProxy({name: 'echo', listen: '', upstream: 'x:1'}));
  const made = await client.populate(
      [{name: 'two', listen: `${address}:0`, upstream: 'somehost:12345'}]);
  assert.deepEqual(Object.keys(made), ['two']);
  await proxy.remove();
  assert.deepEqual(Object.keys(await client.getAll()), ['two']);
}

const folder = mkdtempSync(join(tmpdir(), 'panshi-toxiproxy-'));
writeFileSync(join(folder, 'agent.json'), JSON.stringify({
  node: 'test', address, port: 18475, state: join(folder, 'state'),
  toxiproxy: {listen: `${address}:18474`, listen_in: ['0.0.0.0/0'], upstreams: ['any']}}));
const agent = spawn(process.argv[2], ['--config', join(folder, 'agent.json')],
                    {stdio: ['ignore', 'ignore', 'inherit']});
const ended = new Promise((done) => agent.on('exit', done));
const server = net.createServer((socket) => {
  socket.on('error', () => {});
  socket.pipe(socket);
});
await new Promise((done) => server.listen(0, address, done));
try {
  await drive(server.address().port);
  console.log('ok');
} finally {
  agent.kill('SIGTERM');
  await ended;
  server.close();
  rmSync(folder, {recursive: true, force: true});
}
