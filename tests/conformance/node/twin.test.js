// Twins through the official Node SDK: device and module, read, reported, desired.
'use strict';
const { test } = require('node:test');
const { assert, listeningTwin, nextDesired, open, plain, report, startHub, twinOf } = require('./sdk.js');

for (const id of ['dev', 'dev/mod']) {
  const kind = id.includes('/') ? 'a module' : 'a device';

  test(`${kind} reads its twin: two sections with $version, no metadata, no tags (facts M-26, T-01)`, async (t) => {
    const hub = await startHub(t);
    const c = await open(hub, id, { create: { twin: { tags: { site: 'A' }, properties: { desired: { cfg: { rate: 5 } } } } } });
    const twin = await twinOf(c);
    assert.deepEqual(plain(twin.properties.desired), { cfg: { rate: 5 }, $version: 1 });
    assert.deepEqual(plain(twin.properties.reported), { $version: 1 });
    assert.equal(twin.tags, undefined);
  });

  test(`${kind} reports, and the service sees it with the version one higher (facts M-27, T-02)`, async (t) => {
    const hub = await startHub(t);
    const twin = await twinOf(await open(hub, id));
    await report(twin, { fw: '1.2', pi: 3.5, on: true });
    const { properties, version, etag } = await hub.twin(id);
    assert.equal(properties.reported.fw, '1.2');
    assert.equal(properties.reported.$version, 2);
    assert.equal(version, 3);
    assert.equal(etag, 'AAAAAAAAAAE=');
  });

  test(`${kind} hears what the service changes, with its version, and null takes away (facts M-31)`, async (t) => {
    const hub = await startHub(t);
    const events = await hub.listen();
    const c = await open(hub, id, { create: { twin: { properties: { desired: { gone: 1, stays: 2 } } } } });
    const twin = await listeningTwin(hub, c, events);
    const heard = nextDesired(twin);
    await hub.desired(id, { a: { b: 1 }, gone: null });
    const { a, $version } = await heard;
    assert.deepEqual({ a, $version }, { a: { b: 1 }, $version: 2 });
    assert.deepEqual(plain(twin.properties.desired), { stays: 2, a: { b: 1 }, $version: 2 });
  });
}

test('null removes a reported property and its metadata (facts T-06)', async (t) => {
  const hub = await startHub(t);
  const twin = await twinOf(await open(hub, 'dev'));
  await report(twin, { a: 1, b: 2 });
  await report(twin, { a: null, never: null });
  const { reported } = (await hub.twin('dev')).properties;
  assert.deepEqual([reported.a, reported.b, 'a' in reported.$metadata, 'b' in reported.$metadata], [undefined, 2, false, true]);
});

test('reported objects merge, scalars replace, arrays are replaced whole (facts T-08, T-09)', async (t) => {
  const hub = await startHub(t);
  const twin = await twinOf(await open(hub, 'dev'));
  await report(twin, { o: { b: 1 }, list: [1, 2, 3] });
  await report(twin, { o: { c: 2 }, list: [9] });
  const { $metadata, $version, ...rest } = (await hub.twin('dev')).properties.reported;
  assert.deepEqual(rest, { o: { b: 1, c: 2 }, list: [9] });
  assert.equal($version, 3);
  assert.ok($metadata.o.c.$lastUpdated);
});

test('empty objects stay, a null in an unknown parent makes an empty one (facts T-07, T-10)', async (t) => {
  const hub = await startHub(t);
  const twin = await twinOf(await open(hub, 'dev'));
  await report(twin, { p: {}, q: { r: null } });
  const { p, q } = (await hub.twin('dev')).properties.reported;
  assert.deepEqual([p, q], [{}, {}]);
});

const deep = (levels) => (levels ? { n: deep(levels - 1) } : 1);
const refusals = [
  ['a $-key', { $version: 1 }, 'M-29', /invalid character/],
  ['a key with a dot', { 'a.b': 1 }, 'T-14', /invalid character/],
  ['a key with a blank', { 'a b': 1 }, 'T-14', /invalid character/],
  ['a key of 1025 bytes', { ['k'.repeat(1025)]: 1 }, 'T-13', /exceeds maximum length of 1024/],
  ['a text of 4097 bytes', { s: 'x'.repeat(4097) }, 'T-15', /exceeds maximum length of 4096/],
  ['an integer beyond 2^52', { n: 4503599627370496 }, 'T-16', /out of bound/],
  ['eleven nested objects', deep(12), 'T-12', /Nested depth/],
  ['a null in an array', { list: [1, null] }, 'T-19', /cannot contain/],
];
for (const [what, patch, fact, says] of refusals) {
  test(`${what} is refused: the SDK hands the hub's error to the application, nothing changes (facts ${fact}, T-20)`, async (t) => {
    const hub = await startHub(t);
    const twin = await twinOf(await open(hub, 'dev'));
    const before = (await hub.twin('dev')).properties.reported;
    await assert.rejects(report(twin, patch), says);
    assert.deepEqual((await hub.twin('dev')).properties.reported, before);
  });
}

test('what stands just inside the limits is accepted (facts T-11, T-13, T-15, T-16)', async (t) => {
  const hub = await startHub(t);
  const twin = await twinOf(await open(hub, 'dev'));
  await report(twin, { ...deep(11), ['k'.repeat(1024)]: 1, s: 'x'.repeat(4096), n: 4503599627370495, m: -4503599627370496 });
  assert.equal((await hub.twin('dev')).properties.reported.$version, 2);
});

test('a section that would pass 32 KB is refused as a whole (facts T-17)', async (t) => {
  const hub = await startHub(t);
  const twin = await twinOf(await open(hub, 'dev'));
  const text = 'x'.repeat(4000);
  await report(twin, { a: text, b: text, c: text, d: text, e: text, f: text, g: text });
  await assert.rejects(report(twin, { h: text, i: text }));
  const { reported } = (await hub.twin('dev')).properties;
  assert.deepEqual([reported.$version, reported.h, reported.g.length], [2, undefined, 4000]);
});

test('fifty reports in flight are all answered, and all are merged (facts M-27, C-06)', async (t) => {
  const hub = await startHub(t);
  const twin = await twinOf(await open(hub, 'dev'));
  await Promise.all(Array.from({ length: 50 }, (_, i) => report(twin, { [`k${i}`]: i })));
  const { $version, $metadata, ...rest } = (await hub.twin('dev')).properties.reported;
  assert.ok($metadata);
  assert.deepEqual([$version, Object.keys(rest).length], [51, 50]);
});

test("a replaced desired section makes the SDK's copy what the new document says (facts M-32, T-22)", async (t) => {
  const hub = await startHub(t);
  const events = await hub.listen();
  const c = await open(hub, 'dev', { create: { twin: { properties: { desired: { a: 1, b: 2 } } } } });
  const twin = await listeningTwin(hub, c, events);
  const heard = nextDesired(twin);
  await hub.ok({ command: 'twin.replace', deviceId: 'dev', twin: { properties: { desired: { a: 1, c: 100 } } } });
  await heard;
  assert.deepEqual(plain(twin.properties.desired), { a: 1, c: 100, $version: 2 });
});

test('a change of tags is not told to the device (facts M-34, T-04)', async (t) => {
  const hub = await startHub(t);
  const events = await hub.listen();
  const c = await open(hub, 'dev');
  const twin = await listeningTwin(hub, c, events);
  const heard = nextDesired(twin);
  await hub.update('dev', { tags: { site: 'B' } });
  await hub.desired('dev', { after: true });
  assert.deepEqual(plain(await heard), { after: true, $version: 2 }, 'the first thing heard is the desired change behind it');
});

test('twenty quick desired patches arrive in order, each with its version (facts M-31)', async (t) => {
  const hub = await startHub(t);
  const events = await hub.listen();
  const c = await open(hub, 'dev');
  const twin = await listeningTwin(hub, c, events);
  const versions = [];
  const all = new Promise((resolve) => twin.on('properties.desired', (d) => { if (d.$version > 1) versions.push(d.$version); if (d.$version === 21) resolve(); }));
  await Promise.all(Array.from({ length: 20 }, (_, i) => hub.desired('dev', { [`k${i}`]: i })));
  await all;
  assert.deepEqual(versions, Array.from({ length: 20 }, (_, i) => i + 2));
});

test('a listener on one path hears only its part (facts M-31)', async (t) => {
  const hub = await startHub(t);
  const events = await hub.listen();
  const c = await open(hub, 'dev');
  const twin = await listeningTwin(hub, c, events);
  const heard = nextDesired(twin, { path: 'properties.desired.cfg' });
  await hub.desired('dev', { other: 1 });
  await hub.desired('dev', { cfg: { rate: 7 } });
  assert.deepEqual(plain(await heard), { rate: 7 });
});

test('device and module twins are apart (facts T-29)', async (t) => {
  const hub = await startHub(t);
  const device = await twinOf(await open(hub, 'dev'));
  const module = await twinOf(await open(hub, 'dev/mod'));
  await report(device, { who: 'device' });
  await report(module, { who: 'module' });
  assert.equal((await hub.twin('dev')).properties.reported.who, 'device');
  assert.equal((await hub.twin('dev/mod')).properties.reported.who, 'module');
});
