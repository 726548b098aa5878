// report.test.js - the page of `twinsim run --html`, looked at with the machine's own Chromium, from a file.
//
// TWINSIM_CHROMIUM names the browser (default: chromium from PATH). TWINSIM_SCREENSHOTS names a folder for what it looked like.
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { pathToFileURL } = require('node:url');
const { chromium } = require('playwright-core');
const { finish, workshop } = require('../support/runner.js');
const { Running } = require('../support/twinsim.js');

const TINY = `node ${path.resolve(__dirname, '../support/tiny-agent.js')}`;
const PAGE_BYTES_MAX = 300 * 1024; // of a page without its data
const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };
const agent = { as: 'edge-1/m' };

let browser;
before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.TWINSIM_CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
});
after(() => browser?.close());

/** Run scenarios and write their page. */
async function pageOf(t, scenarios, ...args) {
  const shop = workshop(t, scenarios[0]);
  scenarios.slice(1).forEach((one, i) => fs.writeFileSync(path.join(shop.dir, `t${i}.jsonc`), JSON.stringify(one)));
  const file = path.join(shop.dir, 'out.html');
  const { code, stdout } = await finish(new Running(['run', shop.dir, '--html', file, ...args], { env: shop.env }));
  return { file, code, stdout, html: fs.readFileSync(file, 'utf8') };
}

/** Open a page from its file. Whatever it complains of, and whatever it asks the network for, is an error. */
async function open(t, file, { viewport = DESKTOP, name, ...options } = {}) {
  const context = await browser.newContext({ viewport, ...options });
  t.after(() => context.close());
  const page = await context.newPage();
  page.complaints = [];
  page.on('console', (message) => page.complaints.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => page.complaints.push(error.message));
  page.on('request', (request) => request.url().startsWith('file://') || request.url().startsWith('data:') || page.complaints.push(`asked for ${request.url()}`));
  await page.goto(pathToFileURL(file).href);
  if (options.javaScriptEnabled !== false && (await page.locator('article > details[open] script[type="application/json"]').count())) {
    await page.locator('article > details[open] .strip svg').first().waitFor();
  }
  if (process.env.TWINSIM_SCREENSHOTS && name) {
    await page.screenshot({ path: path.join(process.env.TWINSIM_SCREENSHOTS, `${name}-${viewport.width}.png`), fullPage: true });
  }
  return page;
}

/** What a reader sees: the text of what is visible. */
const seen = (locator) => locator.evaluateAll((nodes) => nodes.filter((node) => node.checkVisibility()).map((node) => node.innerText.replace(/\s+/g, ' ').trim()));

/** Agents with a bug each, and what the page must say of it: where, expected, got. */
const bugs = [
  ['stale', 'reports the value before', { desired: { level: 2 } }, { level: 2 }, ['level', '2', '0']],
  ['text', 'reports a number as a text', { desired: { limits: { low: 5 } } }, { 'limits.low': 5 }, ['limits.low', '5', '"5"']],
  ['flat', 'forgets nested objects', { desired: { name: 'n', limits: { low: 5 } } }, { name: 'n', 'limits.low': 5 }, ['limits.low', '5', 'nothing']],
];
for (const [bug, what, change, match, difference] of bugs) {
  test(`of an agent that ${what}, the page tells expectation, nearest event and difference without a click`, async (t) => {
    const { file, code } = await pageOf(t, [{ name: `an agent that ${what}`, agent, steps: [
      { log: 'listening' }, { expect: 'connected' }, change, { expect: 'reported', match, within: '1s' }] }], '--agent', `${TINY} echo ${bug}`);
    assert.equal(code, 1);
    for (const viewport of [DESKTOP, PHONE]) {
      const page = await open(t, file, { viewport, name: `bug-${bug}` });
      const [why] = await seen(page.locator('.why'));
      assert.match(why, /expect reported \{/);
      assert.match(why, /no such event within 1 s/);
      assert.match(why, /nearest event ?reported #\d+, [\d.]+ s after the first step began/);
      const cells = page.locator('.why .differences tbody').locator('th, td');
      assert.deepEqual(await seen(cells), difference);
      assert.ok((await cells.first().boundingBox()).y < 700, 'the difference is on the first screen');
      // In its place in time: the red step, the nearest event with the difference, and where the step gave up.
      assert.match((await seen(page.locator('.flow > li.step.failed')))[0], /✗ step 4 expect reported/);
      assert.match((await seen(page.locator('.flow > li.nearest summary')))[0], /reported answered 204.*nearest miss/);
      assert.deepEqual(await seen(page.locator('.flow > li.nearest .differences tbody').locator('th, td')), difference);
      assert.match((await seen(page.locator('.flow > li.red')))[0], /step 4 is red here: no such event/);
      assert.equal(await page.locator('.strip .nearest').count(), 1);
      assert.deepEqual(page.complaints, []);
      const { scroll, inner } = await page.evaluate(() => ({ scroll: document.documentElement.scrollWidth, inner: innerWidth }));
      assert.ok(scroll <= inner, `nothing sticks out to the right: ${scroll} > ${inner}`);
    }
    const still = await open(t, file, { javaScriptEnabled: false });
    assert.match((await seen(still.locator('.why')))[0], new RegExp(difference.map((cell) => cell.replace(/[.]/g, '\\.')).join('.*')));
    assert.match((await seen(still.locator('ol.steps')))[0], /✗ failed expect reported/);
  });
}

test('what an agent and a scenario say is shown as it is, harms nobody and holds no key', async (t) => {
  const bad = '</script><script>document.title = "taken"</script><img src=x onerror="document.title = 1"><!--<script>';
  const { file, html } = await pageOf(t, [{ name: bad, agent, steps: [
    { log: 'listening' }, { desired: { a: bad, 'b</script>': { "'\"><svg/onload=alert(1)>": '\u2028' } } }, { expect: 'reported' },
    { desired: { key: '${key}', connection: '${connectionString}' } }, { expect: 'reported', match: { key: bad }, within: '300ms' }] }], '--agent', `${TINY} echo`);
  assert.match(html, /SharedAccessKey=\*\*\*/);
  const withoutHashes = html.replace(/'sha256-[^']+'/g, '');
  assert.doesNotMatch(withoutHashes, /[A-Za-z0-9+/]{43}=/, 'no key');
  const page = await open(t, file);
  assert.match(await page.title(), /^1 scenario: 0 passed, 1 failed/);
  assert.equal(await page.locator('h3 .name').innerText(), bad);
  assert.equal(await page.locator('img').count(), 0);
  const reported = page.locator('.flow li.event', { hasText: 'reported' }).first();
  await reported.locator('summary').click();
  assert.deepEqual(JSON.parse(await reported.locator('.json').innerText()).patch, { a: bad, 'b</script>': { "'\"><svg/onload=alert(1)>": '\u2028' } });
  assert.ok((await page.locator('.diff ins').allInnerTexts()).some((line) => line.includes(JSON.stringify(bad))));
  assert.deepEqual(page.complaints, []);
});

test('every message opens by keyboard and by a click into the picture; twins show what changed', async (t) => {
  const { file, code, html } = await pageOf(t, [{ name: 'all is well', agent, identities: { 'edge-1/m': { desired: { gone: 1, same: { a: 1 } } } }, steps: [
    { log: 'listening' }, { desired: { gone: null, n: 2 } }, { expect: 'reported', match: { n: 2 } }, { wait: '400ms' }] }], '--agent', `${TINY} echo`);
  assert.equal(code, 0);
  const data = [...html.matchAll(/<script type="application\/json">(.*?)<\/script>/gs)].reduce((sum, [, text]) => sum + text.length, 0);
  assert.ok(Buffer.byteLength(html) - data < PAGE_BYTES_MAX, 'the page is light');
  const page = await open(t, file, { name: 'green' });
  assert.match((await seen(page.locator('.flow')))[0], /nothing for [\d.]+ m?s/);
  const summary = page.locator('.flow li.event summary', { hasText: 'desired version' });
  await summary.focus();
  await page.keyboard.press('Enter');
  const event = JSON.parse(await page.locator('.flow li.event:has-text("desired version") .json').innerText());
  assert.deepEqual([event.kind, event.patch], ['desired', { gone: null, n: 2 }]);
  const isOpen = () => page.locator('.flow li.event', { hasText: 'connected' }).first().locator('details').evaluate((node) => node.open);
  assert.equal(await isOpen(), false);
  const box = await page.locator('.strip svg').boundingBox();
  const line = await page.locator('.strip .line.connection').evaluate((node) => node.getAttribute('d').match(/^M([\d.]+) ([\d.]+)/).slice(1).map(Number));
  await page.mouse.move(box.x + line[0], box.y + line[1] - 8);
  assert.match(await page.locator('.caption').innerText(), /^[\d.]+ s +(connected|subscribed)/);
  await page.mouse.click(box.x + line[0], box.y + line[1] - 8);
  assert.ok((await page.locator('.flow li.event details[open]').count()) >= 2, 'the click opened another message');
  const [diff] = await seen(page.locator('.twin', { hasText: 'edge-1/m' }).locator('.diff'));
  assert.match(diff, /- "gone": 1 .*\+ "n": 2/);
  assert.match(diff, /… 1 unchanged/);
  assert.deepEqual(page.complaints, []);
});

test('faults, other devices and parallel lanes have their place in the picture, and the red step is the one in its lane', async (t) => {
  const { file } = await pageOf(t, [{ name: 'side by side', agent, identities: { other: {} }, steps: [
    { log: 'listening' }, { fault: 'status', operation: 'reported', status: 429 }, { connect: 'other' },
    { parallel: [[{ desired: { a: 1 } }, { expect: 'reported', event: { status: 429 } }],
      [{ wait: '50ms' }, { send: { n: 1 }, on: 'other' }, { expect: 'telemetry', on: 'other', match: { n: 2 }, within: '1s' }]] }] }], '--agent', `${TINY} echo`);
  const page = await open(t, file, { name: 'lanes' });
  assert.deepEqual(await seen(page.locator('.lane-heads .lanes span')), ['scenario', 'hub', 'agent', 'other', 'faults']);
  const [flow] = await seen(page.locator('.flow').last());
  assert.match(flow, /fault status on reported, injected/);
  assert.match(flow, /telemetry other ◎ nearest miss \{"n":1\}/);
  assert.match(flow, /✗ step \d+ in lane 2 expect telemetry on other/);
  const [red] = await seen(page.locator('.flow > li.red'));
  const number = /step (\d+) is red here/.exec(red)[1];
  assert.match((await seen(page.locator(`.flow > li.step:has-text("step ${number} in lane 2")`)))[0], /expect telemetry/);
  assert.equal(await page.locator('.strip .group.failed').count(), 1);
  assert.deepEqual(page.complaints, []);
});

test('an agent that dies is seen to die, where and how, and one that was told to end is not', async (t) => {
  const { file } = await pageOf(t, [{ name: 'dies', agent, steps: [{ expect: 'connected' }, { kill: 'agent' }, { start: 'agent' }, { expect: 'disconnected', match: { reason: 'client' }, within: '20s' }] }],
    '--agent', `sh -c "exec timeout -k 1 3 ${TINY} report {}"`);
  const page = await open(t, file, { name: 'dies' });
  const [flow] = await seen(page.locator('.flow').last());
  assert.match(flow, /the agent has started.*the agent has ended: signal 9.*the agent has started.*the agent has ended by itself: exit code 124/);
  assert.equal(await page.locator('.strip .life').count(), 2);
  assert.equal(await page.locator('.strip .died').count(), 1);
  assert.deepEqual(page.complaints, []);
});

test('several agents have lanes by their names', async (t) => {
  const command = `${TINY} echo`;
  const { file, code } = await pageOf(t, [{ name: 'two', agents: { left: { as: 'edge-1/m', command }, right: { as: 'edge-2', command: `${command} text` } }, steps: [
    { log: 'listening', of: 'left' }, { log: 'listening', of: 'right' }, { desired: { a: 1 }, on: 'edge-2' }, { expect: 'reported', on: 'edge-2', match: { a: 1 }, within: '1s' }] }]);
  assert.equal(code, 1);
  const page = await open(t, file, { name: 'agents' });
  assert.deepEqual(await seen(page.locator('.lane-heads .lanes span')), ['scenario', 'hub', 'left', 'right']);
  assert.match((await seen(page.locator('.flow > li.nearest summary')))[0], /reported right answered 204/);
  assert.match((await seen(page.locator('.output')))[0], /left.*listening.*right.*listening/);
  assert.deepEqual(page.complaints, []);
});

test('a list leads to each scenario, which is drawn when it is opened, and red ones are open', async (t) => {
  const steps = [{ wait: '10ms' }];
  const { file } = await pageOf(t, [{ name: 'first', steps: [{ exec: 'false' }] }, { name: 'second', steps }, { name: 'third', steps: [{ exec: 'no-such-program' }] }]);
  const page = await open(t, file, { name: 'list', viewport: PHONE });
  assert.deepEqual(await seen(page.locator('nav a')), ['✗ failed first', '! error third', '✓ passed 1 scenario']);
  await page.locator('nav a').nth(1).click();
  assert.equal(await page.evaluate(() => location.hash), '#s3');
  assert.deepEqual(await seen(page.locator('h2')), ['What is red', 'What passed']);
  assert.deepEqual(await page.locator('article > details').evaluateAll((nodes) => nodes.map((node) => `${node.parentElement.id} ${node.open}`)), ['s1 true', 's3 true', 's2 false']);
  assert.equal(await page.locator('#s2 .strip').count(), 0);
  await page.locator('#s2 summary').first().click();
  await page.locator('#s2 .strip svg').waitFor();
  assert.deepEqual(page.complaints, []);
});

test('ten thousand events do not freeze it', async (t) => {
  const { file, html } = await pageOf(t, [{ name: 'many', agent, steps: [{ expect: 'connected' }, { expect: 'reported', match: { a: 2 }, within: '200ms' }] }], '--agent', `${TINY} report '{"a":1}'`);
  const many = path.join(path.dirname(file), 'many.html');
  fs.writeFileSync(many, html.replace(/(<script type="application\/json">)(.*?)(<\/script>)/s, (all, begin, text, end) => {
    const data = JSON.parse(text);
    const last = data.events.at(-1);
    for (let i = 0; i < 10000; i++) { // two kinds in turn, so that nothing is gathered
      data.events.push({ ...last, kind: i % 2 ? 'telemetry' : 'twin-get', status: 200, device: 'edge-1', module: 'm', mono_us: last.mono_us + i * 1000 + 1, body: i % 2 ? { n: i, text: 'x'.repeat(200) } : undefined });
    }
    return begin + JSON.stringify(data).replace(/</g, '\\u003c') + end;
  }));
  const page = await open(t, many);
  const began = Date.now();
  await page.locator('.flow > li.event').nth(9999).waitFor({ state: 'attached', timeout: 60000 });
  const longest = await page.evaluate(() => new Promise((resolve) => { // for how long at a time it did not listen
    new PerformanceObserver((list) => resolve(Math.max(...list.getEntries().map((entry) => entry.duration)))).observe({ type: 'longtask', buffered: true });
    setTimeout(() => resolve(0), 2000);
  }));
  t.diagnostic(`all rows after ${Date.now() - began} ms, at most ${longest} ms at a time`);
  assert.ok(longest < 2000, `the page did not listen for ${longest} ms`);
  await page.locator('.flow > li.event summary').nth(9000).click();
  assert.match(await page.locator('.flow > li.event .json').first().innerText(), /"kind"/);
  assert.deepEqual(page.complaints, []);
});
