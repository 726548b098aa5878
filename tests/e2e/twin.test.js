// twin.test.js - what a device reads, reports and hears of its twin, packet by packet.
'use strict';
const assert = require('node:assert/strict');
const test = require('node:test');
const { startHub } = require('../support/hub.js');

const RES = '$iothub/twin/res/#';
const DESIRED = '$iothub/twin/PATCH/properties/desired/#';

/** A connected identity that hears answers and desired changes; made first unless it is there. */
async function agent(hub, id, { qos = 0, isThere = false, ...more } = {}) {
  if (!isThere) await hub.create(id);
  const c = await hub.device(id, more);
  assert.deepEqual(await c.subscribe([RES, DESIRED], qos), [qos, qos]);
  return c;
}
const note = (c, options) => c.message('$iothub/twin/PATCH/properties/desired/', options).then((p) => ({ topic: p.topic, qos: p.qos, body: JSON.parse(p.payload.toString()) }));

test('twins', { concurrency: true }, async (t) => {
  const hub = await startHub(t);
  const it = (title, f) => t.test(title, f);

  await Promise.all([
    ...['dev', 'dev/mod'].map((id) =>
      it(`GET of ${id} with an empty body or one blank is answered with desired and reported, versions and no metadata (facts M-26, C-06)`, async () => {
        const c = await agent(hub, id);
        for (const body of ['', ' ']) {
          const answer = await c.twinGet('get-1', body);
          assert.equal(answer.topic, '$iothub/twin/res/200/?$rid=get-1');
          assert.equal(answer.text, '{"desired":{"$version":1},"reported":{"$version":1}}');
        }
        await hub.desired(id, { cfg: { rate: 5 } });
        assert.deepEqual((await c.twinGet('get-2')).body, { desired: { cfg: { rate: 5 }, $version: 2 }, reported: { $version: 1 } });
      })),
    it('PATCH is answered with 204, the same rid, the next version and an empty body (facts M-27)', async () => {
      const c = await agent(hub, 'm27');
      for (let version = 2; version <= 4; version++) {
        const answer = await c.twinPatch(`p${version}`, { n: version });
        assert.equal(answer.topic, `$iothub/twin/res/204/?$rid=p${version}&$version=${version}`);
        assert.equal(answer.text, '');
      }
      assert.deepEqual((await c.twinGet('g')).body.reported, { n: 4, $version: 4 });
      assert.equal((await hub.twin('m27')).properties.reported.n, 4);
    }),
    it('a rid of any form is echoed byte for byte (facts C-07)', async () => {
      const c = await agent(hub, 'rids');
      for (const rid of ['7', 'get_twin', 'patch-0', '6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'DEADbeef', 'a%20b', 'a b', 'é', '$x', 'r'.repeat(1024)]) {
        assert.equal((await c.twinGet(rid)).topic, `$iothub/twin/res/200/?$rid=${rid}`);
        assert.match((await c.twinPatch(rid, { rid })).topic, /^\$iothub\/twin\/res\/204\//);
      }
    }),
    it('requests at QoS 0 and 1 are answered at the QoS that was granted for answers', async () => {
      for (const qos of [0, 1]) {
        const c = await agent(hub, `qos-${qos}`, { qos });
        for (const sent of [0, 1]) assert.equal((await c.twinGet(`q${sent}`, '', { qos: sent })).qos, qos);
      }
    }),
    it('GETs and PATCHes in flight together are all answered, none with 429 (facts C-10, L-01)', async () => {
      const c = await agent(hub, 'together');
      const rids = Array.from({ length: 400 }, (_, i) => `r${i}`);
      const answers = await Promise.all(rids.map((rid, i) => (i % 2 ? c.twinGet(rid) : c.twinPatch(rid, { i }))));
      assert.deepEqual(answers.map((a) => a.status), rids.map((_, i) => (i % 2 ? 200 : 204)));
      assert.equal((await c.twinGet('end')).body.reported.$version, 201);
    }),
    it('a PATCH with a stale $version is 412 and changes nothing (facts M-28)', async () => {
      const c = await agent(hub, 'm28');
      await c.twinPatch('1', { a: 1 }, { ifVersion: 1 });
      const answer = await c.twinPatch('2', { a: 2 }, { ifVersion: 1 });
      assert.equal(answer.status, 412);
      assert.equal(answer.body.errorCode, 412001);
      assert.deepEqual((await c.twinGet('3')).body.reported, { a: 1, $version: 2 });
      assert.equal((await c.twinPatch('4', { a: 2 }, { ifVersion: 2 })).status, 204);
    }),
    it('a PATCH that holds $version or $metadata is 400 with an error object (facts M-29, C-15)', async () => {
      const c = await agent(hub, 'm29');
      for (const patch of [{ $version: 1 }, { $metadata: {} }, { a: { $b: 1 } }]) {
        const answer = await c.twinPatch('x', patch);
        assert.equal(answer.status, 400);
        assert.equal(Math.floor(answer.body.errorCode / 1000), 400);
        assert.match(answer.body.trackingId, /^[0-9a-fA-F]{32}/);
        assert.ok(answer.body.message.length > 0 && !Number.isNaN(Date.parse(answer.body.timestampUtc)));
      }
      assert.deepEqual((await c.twinGet('g')).body.reported, { $version: 1 });
    }),
    it('a PATCH that is no JSON object is 400 (facts M-30)', async () => {
      const c = await agent(hub, 'm30');
      for (const body of ['[1]', '"x"', '1', 'null', '', '{', '{"a":01}', '{"a":1}x', '\ufeff{}', '{"a":"\\u0000"}', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])]) {
        assert.equal((await c.twinPatch('x', body)).status, 400, JSON.stringify(body.toString()));
      }
    }),
    it('NULs behind the JSON of a PATCH are cut (facts C-05)', async () => {
      const c = await agent(hub, 'nuls');
      assert.equal((await c.twinPatch('1', Buffer.concat([Buffer.from('{"a":1}'), Buffer.alloc(234)]))).status, 204);
      assert.deepEqual((await c.twinGet('2')).body.reported, { a: 1, $version: 2 });
    }),
    it('a desired PATCH reaches the device as it was submitted, nulls kept, with its version (facts M-31)', async () => {
      const c = await agent(hub, 'm31');
      await hub.desired('m31', { a: 1, b: { c: 2 } });
      assert.deepEqual(await note(c), { topic: '$iothub/twin/PATCH/properties/desired/?$version=2', qos: 0, body: { a: 1, b: { c: 2 }, $version: 2 } });
      await hub.desired('m31', { a: null });
      const second = await note(c);
      assert.equal(second.topic, '$iothub/twin/PATCH/properties/desired/?$version=3');
      assert.deepEqual(second.body, { a: null, $version: 3 });
    }),
    it('a desired PUT reaches the device as its new keys and nulls for the removed ones (facts M-32)', async () => {
      const c = await agent(hub, 'm32');
      await hub.desired('m32', { a: 1, b: 2 });
      await note(c);
      await hub.ok({ command: 'twin.replace', deviceId: 'm32', twin: { properties: { desired: { a: 1, c: 100 } } } });
      assert.deepEqual((await note(c)).body, { a: 1, b: null, c: 100, $version: 3 });
    }),
    it('what changed while a device was away is not told later; its GET shows it (facts M-33)', async () => {
      const c = await agent(hub, 'm33', { clean: false });
      await c.disconnect();
      await hub.desired('m33', { missed: true });
      const back = await hub.device('m33', { clean: false });
      assert.equal((await back.twinGet('1')).body.desired.missed, true);
      assert.deepEqual(back.messages(), []);
    }),
    it('a change of tags is told to no device (facts M-34)', async () => {
      const c = await agent(hub, 'm34');
      await hub.update('m34', { tags: { floor: 3 } });
      assert.equal((await c.twinGet('1')).body.desired.$version, 1);
      assert.deepEqual(c.messages(), []);
    }),
    it('without a subscription for answers a PATCH happens and nothing is answered (facts M-35)', async () => {
      await hub.create('m35');
      const c = await hub.device('m35');
      await c.publish('$iothub/twin/PATCH/properties/reported/?$rid=1', '{"a":1}', { qos: 1 });
      await c.ping();
      assert.equal((await hub.twin('m35')).properties.reported.a, 1);
      assert.deepEqual(c.messages(), []);
    }),
    it('a desired change is told only to who subscribed, and no longer after UNSUBSCRIBE', async () => {
      const c = await agent(hub, 'unsub');
      await c.unsubscribe(DESIRED);
      await hub.desired('unsub', { a: 1 });
      await c.twinGet('1');
      assert.deepEqual(c.messages(), []);
      await c.subscribe(DESIRED);
      await hub.desired('unsub', { a: 2 });
      assert.equal((await note(c)).body.a, 2);
    }),
    it('an identity hears only its own changes', async () => {
      const [one, two] = await Promise.all([agent(hub, 'only/one'), agent(hub, 'only/two')]);
      const device = await agent(hub, 'only', { isThere: true });
      await hub.desired('only/one', { for: 'one' });
      assert.equal((await note(one)).body.for, 'one');
      for (const c of [two, device]) {
        await c.twinGet('1');
        assert.deepEqual(c.messages(), []);
      }
    }),
    it('desired changes arrive in the order of their versions', async () => {
      const c = await agent(hub, 'inorder', { qos: 1 });
      const s = await hub.service();
      await s.commands(Array.from({ length: 100 }, (_, n) => ({ command: 'twin.update', deviceId: 'inorder', patch: { properties: { desired: { n } } } })));
      for (let n = 0; n < 100; n++) assert.deepEqual((await note(c)).body, { n, $version: n + 2 });
    }),
    it('a reported section of 32 KB and more is 403 with the hub\'s words', async () => {
      const c = await agent(hub, 'big');
      const patch = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`k${i}`, 'x'.repeat(4000)]));
      const answer = await c.twinPatch('1', patch);
      assert.deepEqual([answer.status, answer.body.errorCode], [403, 403100]);
      assert.match(answer.body.message, /'Properties\.Reported' size should be less than 32768 bytes\./);
      assert.deepEqual((await c.twinGet('2')).body.reported, { $version: 1 });
    }),
    it('a twin request without a rid closes the connection, one with unknown parameters does not', async () => {
      const c = await agent(hub, 'norid');
      await c.publish('$iothub/twin/PATCH/properties/reported/?$rid=1&x=y', '{"a":1}');
      assert.equal((await c.message('$iothub/twin/res/204/')).topic, '$iothub/twin/res/204/?$rid=1&$version=2');
      await c.publish('$iothub/twin/GET/', '');
      await c.closed();
    }),
    it('each of 200 clients of one hub gets its own answers', async () => {
      const ids = Array.from({ length: 200 }, (_, i) => `many-${i}`);
      const s = await hub.service();
      await s.commands(ids.map((deviceId) => ({ command: 'device.create', deviceId })));
      const clients = await Promise.all(ids.map((id) => hub.device(id)));
      await Promise.all(clients.map((c) => c.subscribe(RES)));
      await Promise.all(clients.map(async (c, i) => {
        assert.equal((await c.twinPatch('p', { me: i })).status, 204);
        assert.deepEqual((await c.twinGet('g')).body.reported, { me: i, $version: 2 });
      }));
    }),
  ]);
});
