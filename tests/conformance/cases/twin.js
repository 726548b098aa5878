// twin.js - a client reads its twin, and reports.
'use strict';
const { assert } = require('../lib/case.js');
const { big, deep, kinds, letters } = require('../lib/values.js');

/** The hub refuses the patch: the application hears of it, nothing has changed, and the next report is taken. */
async function refuses(x, patch, status = 400) {
  const c = await x.open({ retry: false });
  const before = await x.twin();
  const error = await x.fails(c.report(patch), 'refused', 'invalid');
  assert.ok(error.kind === 'invalid' || [status, undefined].includes(error.status), `the status ${error.status} is ${status}`);
  assert.deepEqual((await x.twin()).properties, before.properties);
  await c.report({ next: 1 });
  assert.deepEqual(await x.reported(), { next: 1, $version: 2 });
}

module.exports = {
  async 'twin-get'(x) {
    const c = await x.open({ create: { twin: { tags: { site: 'A' }, properties: { desired: { cfg: { rate: 5 } } } } } });
    assert.deepEqual(await c.twin(), { desired: { cfg: { rate: 5 }, $version: 1 }, reported: { $version: 1 } });
  },

  async 'twin-get-new'(x) {
    const c = await x.open();
    assert.deepEqual(await c.twin(), { desired: { $version: 1 }, reported: { $version: 1 } });
  },

  async 'twin-get-kinds'(x) {
    const c = await x.open({ create: { twin: { properties: { desired: kinds } } } });
    assert.deepEqual((await c.twin()).desired, { ...kinds, $version: 1 });
  },

  async 'twin-get-letters'(x) {
    const c = await x.open({ create: { twin: { properties: { desired: letters } } } });
    assert.deepEqual((await c.twin()).desired, { ...letters, $version: 1 });
  },

  async 'twin-get-big'(x) {
    const c = await x.open({ create: { twin: { properties: { desired: big(30000) } } } });
    assert.deepEqual((await c.twin()).desired, { ...big(30000), $version: 1 });
  },

  async 'twin-get-many'(x) {
    const c = await x.open({ create: { twin: { properties: { desired: { a: 1 } } } } });
    const twins = await Promise.all(Array.from({ length: 20 }, () => c.twin()));
    for (const twin of twins) assert.deepEqual(twin, { desired: { a: 1, $version: 1 }, reported: { $version: 1 } });
  },

  async 'twin-one-subscribe'(x) {
    const c = await x.open();
    await c.request('listen', { what: 'desired' });
    const first = await x.event('subscribed');
    assert.equal((await x.event('subscribed')).seq, first.seq + 1, 'of both at once');
    assert.deepEqual(await c.twin(), { desired: { $version: 1 }, reported: { $version: 1 } });
    await x.desired({ a: 1 });
    assert.deepEqual(await c.change(), { a: 1, $version: 2 });
  },

  async 'twin-get-own-report'(x) {
    const c = await x.open();
    await c.report({ a: { b: 1 } });
    assert.deepEqual((await c.twin()).reported, { a: { b: 1 }, $version: 2 });
  },

  async 'twin-report'(x) {
    const c = await x.open();
    const before = await x.twin();
    await c.report({ fw: '1.2', pi: 3.5, on: true });
    const { properties, version, etag } = await x.twin();
    const { $metadata, ...reported } = properties.reported;
    assert.deepEqual(reported, { fw: '1.2', pi: 3.5, on: true, $version: 2 });
    assert.ok($metadata.fw.$lastUpdated);
    assert.deepEqual([version, etag], [before.version + 1, before.etag]);
  },

  async 'twin-report-null'(x) {
    const c = await x.open();
    await c.report({ a: 1, b: 2 });
    await c.report({ a: null, never: null });
    const { $metadata, ...reported } = (await x.twin()).properties.reported;
    assert.deepEqual(reported, { b: 2, $version: 3 });
    assert.deepEqual(Object.keys($metadata).filter((key) => key[0] !== '$'), ['b']);
  },

  async 'twin-report-merge'(x) {
    const c = await x.open();
    await c.report({ o: { b: 1, gone: 1 }, scalar: 1, object: { x: 1 } });
    await c.report({ o: { c: 2, gone: null }, scalar: { y: 2 }, object: 2 });
    assert.deepEqual(await x.reported(), { o: { b: 1, c: 2 }, scalar: { y: 2 }, object: 2, $version: 3 });
  },

  async 'twin-report-arrays'(x) {
    const c = await x.open();
    await c.report({ list: [1, 2, 3], other: [{ a: 1 }] });
    await c.report({ list: [9], other: [{ b: 2 }] });
    assert.deepEqual(await x.reported(), { list: [9], other: [{ b: 2 }], $version: 3 });
  },

  async 'twin-report-empty-objects'(x) {
    const c = await x.open();
    await c.report({ p: {}, q: { r: null } });
    assert.deepEqual(await x.reported(), { p: {}, q: {}, $version: 2 });
  },

  async 'twin-report-kinds'(x) {
    const c = await x.open();
    await c.report(kinds);
    assert.deepEqual(await x.reported(), { ...kinds, $version: 2 });
  },

  async 'twin-report-letters'(x) {
    const c = await x.open();
    await c.report(letters);
    assert.deepEqual(await x.reported(), { ...letters, $version: 2 });
  },

  async 'twin-report-again'(x) {
    const c = await x.open();
    for (let i = 0; i < 3; i++) await c.report({ same: 1 });
    assert.deepEqual(await x.reported(), { same: 1, $version: 4 });
  },

  async 'twin-report-many'(x) {
    const c = await x.open();
    const all = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`k${i}`, i]));
    await Promise.all(Object.entries(all).map(([key, value]) => c.report({ [key]: value })));
    assert.deepEqual(await x.reported(), { ...all, $version: 51 });
  },

  async 'twin-report-and-get'(x) {
    const c = await x.open({ create: { twin: { properties: { desired: { a: 1 } } } } });
    const reads = [];
    const reports = [];
    for (let i = 0; i < 15; i++) {
      reports.push(c.report({ i }));
      reads.push(c.twin());
    }
    await Promise.all(reports);
    for (const { desired } of await Promise.all(reads)) assert.deepEqual(desired, { a: 1, $version: 1 });
    assert.equal((await x.reported()).$version, 16);
  },

  async 'twin-report-limits'(x) {
    const c = await x.open();
    const patch = { ...deep(11), ['k'.repeat(1024)]: 1, s: 'x'.repeat(4096), u: 'ü'.repeat(2048), n: 4503599627370495, m: -4503599627370496 };
    await c.report(patch);
    assert.deepEqual(await x.reported(), { ...patch, $version: 2 });
  },

  'twin-refused-dollar-key': (x) => refuses(x, { $version: 1 }),
  'twin-refused-dotted-key': (x) => refuses(x, { fine: 1, 'a.b': 1 }),
  'twin-refused-blank-key': (x) => refuses(x, { fine: 1, 'a b': 1 }),
  'twin-refused-control-key': (x) => refuses(x, { fine: 1, 'a\u0007b': 1 }),
  'twin-refused-long-key': (x) => refuses(x, { fine: 1, ['k'.repeat(1025)]: 1 }),
  'twin-refused-long-text': (x) => refuses(x, { fine: 1, s: 'x'.repeat(4097) }),
  'twin-refused-big-integer': (x) => refuses(x, { fine: 1, n: 4503599627370496 }),
  'twin-refused-depth': (x) => refuses(x, { fine: 1, ...deep(12) }),
  'twin-refused-null-in-array': (x) => refuses(x, { fine: 1, list: [1, null] }),

  async 'twin-refused-size'(x) {
    const c = await x.open({ retry: false });
    await c.report(big(28000));
    const error = await x.fails(c.report({ h: 'x'.repeat(4000), i: 'x'.repeat(4000) }), 'refused');
    assert.ok([403, 413, undefined].includes(error.status), `the status ${error.status}`);
    assert.deepEqual(await x.reported(), { ...big(28000), $version: 2 });
    await c.report({ small: 1 });
    assert.equal((await x.reported()).$version, 3);
  },

  async 'twin-throttled'(x) {
    const c = await x.open({ retry: false });
    await c.twin();
    await x.fault('status', { operation: 'reported', status: 429 });
    await x.fails(c.report({ a: 1 }), 'refused');
    await c.report({ a: 2 });
    await x.fault('status', { operation: 'twin-get', status: 429 });
    await x.fails(c.twin(), 'refused');
    assert.deepEqual((await c.twin()).reported, { a: 2, $version: 2 });
  },

  async 'twin-hub-error'(x) {
    const c = await x.open({ retry: false });
    await c.twin();
    await x.fault('status', { operation: 'reported', status: 500 });
    await x.fails(c.report({ a: 1 }), 'refused');
    assert.deepEqual(await x.reported(), { $version: 1 });
  },

  async 'twin-answers-out-of-order'(x) {
    const c = await x.open();
    await c.twin();
    const held = await x.fault('hold', { operation: 'reported' });
    const order = [];
    const slow = c.report({ slow: 1 }).then(() => order.push('slow'));
    await x.event('reported');
    await c.report({ quick: 1 }).then(() => order.push('quick'));
    await x.clearFault(held);
    await slow;
    assert.deepEqual(order, ['quick', 'slow']);
    assert.deepEqual(await x.reported(), { slow: 1, quick: 1, $version: 3 });
  },

  async 'twin-apart'(x) {
    await x.create();
    const device = await x.connect({ id: x.device });
    const module = await x.connect();
    await device.report({ who: 'device' });
    await module.report({ who: 'module' });
    assert.deepEqual((await device.twin()).reported, { who: 'device', $version: 2 });
    assert.deepEqual((await module.twin()).reported, { who: 'module', $version: 2 });
    assert.deepEqual([(await x.reported(x.device)).who, (await x.reported()).who], ['device', 'module']);
  },

  'twin-fault-throttling': Object.assign(async (x) => {
    const c = await x.open({ retry: false });
    await c.twin();
    await c.send({ body: '"wish"', properties: { AzIoTHub_FaultOperationType: 'InvokeThrottling', AzIoTHub_FaultOperationCloseReason: 'boom', AzIoTHub_FaultOperationDelayInSecs: '0', AzIoTHub_FaultOperationDurationInSecs: '1' } });
    await x.fails(c.report({ a: 1 }), 'refused');
    const limit = Date.now() + 10000;
    while (!(await c.report({ a: 2 }).then(() => true, () => false))) assert.ok(Date.now() < limit, 'it is over after its duration');
    assert.equal((await x.reported()).a, 2);
  }, { hub: ['--fault-messages'] }),
};
