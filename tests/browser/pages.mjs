// SPDX-License-Identifier: Apache-2.0
// Promise: the shop's pages do in a real browser what they are for: a purchase in both languages,
// the same with script off, and, once a page was seen, its kept copy or a skeleton to buy from while
// the shop cannot be reached.
//
// Usage: node pages.mjs HOST PORT PICTURES CHROMIUM: the shop at HOST:PORT, reached through a way of
// our own on the same HOST (the shop wants to be called by that name), which the test cuts.
import assert from 'node:assert/strict';
import net from 'node:net';
import {chromium} from 'playwright-core';

const [host, port, pictures, executablePath] = process.argv.slice(2);

// The way to the shop. Cut: connections that there are end, and new ones are refused.
class Way {
  open(at) {
    this.ends = new Set();
    this.server = net.createServer((near) => {
      const far = net.connect(Number(port), host);
      for (const end of [near, far]) {
        this.ends.add(end);
        end.on('error', () => {}).on('close', () => { this.ends.delete(end); near.destroy(); far.destroy(); });
      }
      near.pipe(far).pipe(near);
    });
    return new Promise((done) => this.server.listen(at, host, () => {
      this.port = this.server.address().port;
      done();
    }));
  }
  cut() {
    for (const end of this.ends) end.destroy();
    return new Promise((done) => this.server.close(done));
  }
}

const way = new Way();
await way.open(0);
const shop = `http://${host}:${way.port}`;
const browser = await chromium.launch({executablePath, args: ['--no-sandbox']});
const complaints = [];
let shown = null;  // the page of the present step

async function visitor(options) {
  const context = await browser.newContext({viewport: {width: 1000, height: 760}, ...options});
  const page = await context.newPage();
  shown = page;
  page.setDefaultTimeout(15_000);
  page.on('pageerror', (error) => complaints.push(`${page.url()}: ${error.message}`));
  page.on('console', (line) => {
    // What the browser says about pages that are shown without the shop is no fault of theirs.
    if (line.type() === 'error' && !line.text().includes('Failed to load resource')) {
      complaints.push(`${page.url()}: ${line.text()}`);
    }
  });
  return page;
}
const picture = (page, name) => page.screenshot({path: `${pictures}/${name}.png`, fullPage: true});
const text = (page) => page.locator('body').innerText();
async function says(page, ...words) {
  const body = await text(page);
  for (const word of words) assert.ok(body.includes(word), `${page.url()} does not say "${word}":\n${body}`);
}

const kWords = {
  zh: {pay: '支付 ¥13.50', delivered: '已发货', history: '我的订单', stale: '可能不是最新信息', left: '余', coupon: '已用优惠券', later: '稍后再用优惠券'},
  en: {pay: 'Pay ¥13.50', delivered: 'Delivered', history: 'My orders', stale: 'This may be out of date', left: 'left', coupon: 'Coupon', later: 'use the coupon later'},
};

// A shop that is short of processor time leaves its extras out until it was calm for some seconds. It
// says then that nothing was ordered and that the coupon can be used later: so the customer does.
async function placeWithCoupon(page, words, name) {
  for (const until = Date.now() + 60_000;;) {
    await page.locator('input[name=coupon]').fill('welcome');
    await picture(page, name);
    await Promise.all([page.waitForNavigation(), page.locator('form[action="/orders"] button').click()]);
    if (new URL(page.url()).pathname.startsWith('/orders/o-')) return;
    await says(page, words.later);
    console.log(`        ${name}: the coupon is refused for now`);
    assert.ok(Date.now() < until, 'the shop leaves its extras out for a minute');
    await page.waitForTimeout(1000);
  }
}

async function buy(page, language, name) {
  const words = kWords[language];
  await page.goto(`${shop}/?lang=${language}`);
  assert.equal(await page.locator('html').getAttribute('lang'), language);
  assert.ok(await page.locator('.goods > li').count() >= 10);
  await picture(page, `${name}-list`);
  await page.locator('.goods a[href="/products/music-month"]').first().click();
  await says(page, '¥15.00', words.left);
  await picture(page, `${name}-product`);
  await page.locator('a.button.wide').click();
  await placeWithCoupon(page, words, `${name}-checkout`);
  await says(page, words.pay, words.coupon);
  await picture(page, `${name}-order`);
  await page.locator('form[action$="/pay"] button').click();
  await page.locator('#card-key').waitFor();  // the page renews itself until the key is there
  await says(page, words.delivered);
  assert.match(await page.locator('#card-key').innerText(), /^[A-Za-z0-9_.-]{8,}$/);
  await picture(page, `${name}-delivered`);
  const order = new URL(page.url()).pathname;
  await page.locator(`nav a[href="/orders"]`).click();
  await page.locator(`a[href="${order}"]`).waitFor();
  await says(page, words.history, words.delivered, '¥13.50');
  await picture(page, `${name}-history`);
}

async function unreachable(page, language) {
  const words = kWords[language];
  const noted = () => page.locator('#offline-note').isVisible();
  await page.goto(`${shop}/?lang=${language}`);
  await page.evaluate(() => navigator.serviceWorker.ready.then((one) => new Promise((done) => {
    if (navigator.serviceWorker.controller) return done();
    navigator.serviceWorker.addEventListener('controllerchange', done);
  })));
  await page.goto(`${shop}/products/music-month`);
  await page.goto(`${shop}/`);
  assert.ok(!await noted());
  await way.cut();
  await page.goto(`${shop}/`);
  assert.ok(await noted());
  await says(page, words.stale, '¥15.00');
  await picture(page, `away-${language}-list`);
  await page.goto(`${shop}/products/music-month`);
  assert.ok(await noted());
  await says(page, words.stale, '¥15.00');
  await picture(page, `away-${language}-product`);
  await page.goto(`${shop}/products/game-100`);  // never seen: a skeleton
  const button = page.locator('form[action="/buy"] button');
  await button.waitFor();
  await picture(page, `away-${language}-skeleton`);
  await way.open(way.port);
  await button.click();
  await page.locator('#card-key').waitFor();  // ordered and paid
  await page.goto(`${shop}/`);
  assert.ok(!await noted());
}

const kSteps = {
  'a purchase in Chinese': async () => buy(await visitor({locale: 'zh-CN'}), 'zh', 'zh'),
  'a purchase in English': async () => buy(await visitor({locale: 'en-GB'}), 'en', 'en'),
  'a purchase with script off, on a small screen': async () =>
    buy(await visitor({javaScriptEnabled: false, viewport: {width: 360, height: 740}}), 'zh', 'small'),
  'a purchase in the dark': async () => buy(await visitor({colorScheme: 'dark'}), 'en', 'dark'),
  'pages while the shop cannot be reached, in Chinese': async () => unreachable(await visitor({}), 'zh'),
  'pages while the shop cannot be reached, in English': async () => unreachable(await visitor({}), 'en'),
  'no page complains': async () => assert.deepEqual(complaints, []),
};
let failed = 0;
for (const [name, step] of Object.entries(kSteps)) {
  try {
    await step();
    console.log(`ok      ${name}`);
  } catch (error) {
    failed = 1;
    console.log(`FAILED  ${name}: ${error.message}\n${shown.url()}\n${await text(shown)}`);
  }
}
await browser.close();
await way.cut();
process.exit(failed);
