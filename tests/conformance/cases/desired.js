// desired.js - what the service changes is told.
'use strict';
const { assert, members } = require('../lib/case.js');
const { big, kinds, letters } = require('../lib/values.js');

/** A client that listens for desired changes; desired: those that its twin begins with. */
async function listener(x, desired) {
  const c = await x.open({ create: desired && { twin: { properties: { desired } } } });
  await c.listen('desired');
  return c;
}
const update = (x, desired) => ({ command: 'twin.update', ...members(x.id), patch: { properties: { desired } } });

module.exports = {
  async 'desired-heard'(x) {
    const c = await listener(x);
    await x.desired({ a: 1 });
    assert.deepEqual(await c.change(), { a: 1, $version: 2 });
  },

  async 'desired-null'(x) {
    const c = await listener(x, { gone: 1, stays: 2 });
    await x.desired({ gone: null });
    assert.deepEqual(await c.change(), { gone: null, $version: 2 });
    assert.deepEqual((await c.twin()).desired, { stays: 2, $version: 2 });
  },

  async 'desired-nested'(x) {
    const c = await listener(x, { cfg: { rate: 5, on: true } });
    await x.desired({ cfg: { rate: 7 } });
    assert.deepEqual(await c.change(), { cfg: { rate: 7 }, $version: 2 });
    assert.deepEqual((await c.twin()).desired, { cfg: { rate: 7, on: true }, $version: 2 });
  },

  async 'desired-replace'(x) {
    const c = await listener(x, { a: 1, b: 2 });
    await x.replace({ a: 1, c: 100 });
    assert.deepEqual(await c.change(), { a: 1, b: null, c: 100, $version: 2 });
    assert.deepEqual((await c.twin()).desired, { a: 1, c: 100, $version: 2 });
  },

  async 'desired-tags'(x) {
    const c = await listener(x);
    await x.update({ tags: { site: 'B' } });
    await x.desired({ after: 1 });
    assert.deepEqual(await c.change(), { after: 1, $version: 2 }, 'the first that it is told');
  },

  async 'desired-order'(x) {
    const c = await listener(x);
    await Promise.all(Array.from({ length: 20 }, (_, i) => x.desired({ i })));
    for (let version = 2; version <= 21; version++) assert.equal((await c.change()).$version, version);
  },

  async 'desired-hundred'(x) {
    const c = await listener(x);
    await x.commands(Array.from({ length: 100 }, (_, i) => update(x, { i })));
    for (let i = 0; i < 100; i++) assert.deepEqual(await c.change(), { i, $version: i + 2 });
  },

  async 'desired-same'(x) {
    const c = await listener(x, { a: 1 });
    await x.desired({ a: 1 });
    assert.deepEqual(await c.change(), { a: 1, $version: 2 });
  },

  async 'desired-big'(x) {
    const c = await listener(x);
    await x.desired(big(30000));
    assert.deepEqual(await c.change(), { ...big(30000), $version: 2 });
  },

  async 'desired-kinds'(x) {
    const c = await listener(x);
    await x.desired(kinds);
    assert.deepEqual(await c.change(), { ...kinds, $version: 2 });
  },

  async 'desired-letters'(x) {
    const c = await listener(x);
    await x.desired(letters);
    assert.deepEqual(await c.change(), { ...letters, $version: 2 });
  },

  async 'desired-refused'(x) {
    const c = await listener(x);
    const { etag } = await x.twin();
    await x.desired({ first: 1 });
    assert.equal((await x.command({ ...update(x, { stale: 1 }), etag })).status, 412);
    await x.desired({ second: 2 });
    assert.deepEqual([await c.change(), await c.change()], [{ first: 1, $version: 2 }, { second: 2, $version: 3 }]);
  },

  async 'desired-own-reports'(x) {
    const c = await listener(x);
    await c.report({ mine: 1 });
    await x.desired({ theirs: 1 });
    assert.deepEqual(await c.change(), { theirs: 1, $version: 2 }, 'the first that it is told');
  },

  async 'desired-apart'(x) {
    await x.create();
    const device = await x.connect({ id: x.device });
    const module = await x.connect();
    await device.listen('desired');
    await module.listen('desired');
    await x.desired({ for: 'device' }, x.device);
    await x.desired({ for: 'module' });
    assert.equal((await device.change()).for, 'device');
    assert.equal((await module.change()).for, 'module');
    assert.deepEqual([device.unheard('desired'), module.unheard('desired')], [[], []]);
  },

  async 'desired-between-reports'(x) {
    const c = await listener(x);
    for (let i = 1; i <= 5; i++) {
      const [, , patch] = await Promise.all([c.report({ i }), x.desired({ i }), c.change()]);
      assert.deepEqual(patch, { i, $version: i + 1 });
    }
    const { version, properties } = await x.twin();
    assert.deepEqual([version, properties.desired.$version, properties.reported.$version], [12, 6, 6]);
  },
};
