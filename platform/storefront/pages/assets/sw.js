// Keeps the last copy of the goods and shows it, marked, while the shop cannot be reached; without a
// copy, a skeleton whose button orders and pays. Orders are never kept.
'use strict';
const PAGES = 'pages-@PANSHI_PAGES_VERSION@';
const FILES = ['/skeleton', '/assets/shop.css?v=@PANSHI_PAGES_VERSION@', '/assets/shop.js?v=@PANSHI_PAGES_VERSION@'];
const PATIENCE_MS = 4000;

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(PAGES).then((cache) => cache.addAll(FILES)).then(() => self.skipWaiting()));
});
self.addEventListener('activate', (event) => {
  event.waitUntil(caches.keys()
    .then((names) => Promise.all(names.filter((name) => name !== PAGES).map((name) => caches.delete(name))))
    .then(() => self.clients.claim()));
});

// A copy is of a path: another language or search overwrites it, so there is one a page.
const isGoods = (url) => url.pathname === '/' || /^\/products\/[A-Za-z0-9_.-]+$/.test(url.pathname);
const html = (text) => new Response(text, {headers: {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'",
}});

async function kept(url) {
  const copy = await (await caches.open(PAGES)).match(url.pathname);
  if (!copy) return null;
  return html((await copy.text()).replace('id="offline-note" role="status" hidden', 'id="offline-note" role="status"'));
}

// Each page shown has a key of its own: sending its form twice is one order and one charge.
const newKey = () => 'w-' + Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');

async function skeleton(url) {
  const product = url.pathname.split('/')[2];
  const bones = product && await (await caches.open(PAGES)).match('/skeleton');
  return bones ? html((await bones.text()).replaceAll('__product__', product).replaceAll('__key__', newKey()))
               : Response.error();
}

async function goods(request, url) {
  let answer = null;
  try {
    answer = await fetch(request, {signal: AbortSignal.timeout(PATIENCE_MS)});
  } catch (problem) {
    return await kept(url) || skeleton(url);
  }
  if (answer.headers.get('X-Shop-Page') === 'full') {
    await (await caches.open(PAGES)).put(url.pathname, answer.clone());
    return answer;
  }
  // Ill, or a skeleton: an older copy says more. A product that is gone (404) stays gone.
  return answer.status === 404 ? answer : await kept(url) || answer;
}

self.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== 'GET' || url.origin !== location.origin) return;
  if (event.request.mode === 'navigate' && isGoods(url)) event.respondWith(goods(event.request, url));
  if (url.pathname.startsWith('/assets/')) {
    event.respondWith(caches.match(event.request).then((copy) => copy || fetch(event.request)));
  }
});
