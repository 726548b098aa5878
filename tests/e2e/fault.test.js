// fault.test.js - faults as a stranger's client meets them over the real broker: what is on the wire, and when.
'use strict';
const assert = require('node:assert/strict');
const test = require('node:test');
const { startHub } = require('../support/hub.js');

const RES = '$iothub/twin/res/';
const NOTE = '$iothub/twin/PATCH/properties/desired/';
const LATE_US = 60000; // on a busy machine; alone it is 0.1 ms, and without the wake up to 100

/** An identity of its own, connected, with ears for answers and changes. */
async function agent(hub, id) {
  await hub.create(id);
  const c = await hub.device(id);
  await c.subscribe([`${RES}#`, `${NOTE}#`], 1);
  return c;
}
const add = (hub, id, type, more = {}) => hub.ok({ command: 'fault.add', type, ...(id && { on: id }), ...more });
const note = async (c) => {
  const p = await c.message(NOTE);
  return { version: Number(p.topic.split('$version=')[1]), text: p.payload.toString(), body: JSON.parse(p.payload.toString() || 'null') };
};
/** The versions of the next n notifications, in order of arrival. */
async function versions(c, n) {
  const list = [];
  while (list.length < n) list.push((await note(c)).version);
  return list;
}

test('faults on the wire', { concurrency: true }, async (t) => {
  const hub = await startHub(t);
  const it = (title, f) => t.test(title, f);

  await Promise.all([
    it('status: an answer with the hub\'s own error body, nothing carried out, once', async () => {
      const c = await agent(hub, 'status');
      await add(hub, 'status', 'status', { status: 503 });
      const answer = await c.twinPatch('1', { a: 1 }, { qos: 1 });
      assert.equal(answer.topic, `${RES}503/?$rid=1`);
      assert.equal(answer.body.errorCode, 503001);
      assert.deepEqual((await c.twinGet('2')).body.reported, { $version: 1 });
      assert.equal((await c.twinPatch('3', { a: 1 })).status, 204);
    }),
    it('status: a body that is empty, or any text', async () => {
      const c = await agent(hub, 'bodies');
      await add(hub, 'bodies', 'status', { status: 500, body: 'empty' });
      assert.equal((await c.twinPatch('1', { a: 1 })).text, '');
      await add(hub, 'bodies', 'status', { status: 200, operation: 'twin-get', body: { desired: { $version: 9 } } });
      assert.deepEqual((await c.twinGet('2')).body, { desired: { $version: 9 } });
    }),
    it('lose: a report is stored and never answered; a notification never comes; telemetry is acknowledged and gone', async () => {
      const c = await agent(hub, 'lose');
      const events = await hub.listen('$twinsim/v1/events/lose/#');
      await add(hub, 'lose', 'lose', { operation: 'reported' });
      await c.publish('$iothub/twin/PATCH/properties/reported/?$rid=1', '{"a":1}', { qos: 1 });
      assert.equal((await c.twinGet('2')).body.reported.a, 1);
      await add(hub, 'lose', 'lose');
      await hub.desired('lose', { b: 1 });
      await hub.desired('lose', { b: 2 });
      assert.equal((await note(c)).version, 3);
      await add(hub, 'lose', 'lose', { operation: 'telemetry' });
      await c.publish('devices/lose/messages/events/', 'gone', { qos: 1 });
      await c.publish('devices/lose/messages/events/', '"kept"', { qos: 1 });
      assert.equal((await events.event('telemetry')).body, 'kept');
      assert.equal(c.messages().length, 0);
    }),
    it('delay: it leaves when it is due, to the wake and not to the turn, and events say when', async () => {
      const c = await agent(hub, 'delay');
      const events = await hub.listen('$twinsim/v1/events/delay/#');
      for (const ms of [3, 37, 171]) {
        await add(hub, 'delay', 'delay', { operation: 'twin-get', delay: `${ms}ms` });
        await c.twinGet(`g${ms}`);
        const begun = await events.event('fault', (e) => e.phase === 'injected');
        const left = await events.event('fault', (e) => e.phase === 'released');
        assert.equal(left.planned_us - begun.actual_us, ms * 1000);
        assert.ok(left.actual_us >= left.planned_us && left.actual_us - left.planned_us < LATE_US, `${left.actual_us - left.planned_us} us late`);
      }
    }),
    it('hold: nothing until it is cleared, then all in order', async () => {
      const c = await agent(hub, 'hold');
      const { id } = await add(hub, 'hold', 'hold', { operation: 'desired', times: 2 });
      for (let n = 1; n <= 3; n++) await hub.desired('hold', { n });
      assert.deepEqual(await versions(c, 1), [4]);
      await hub.ok({ command: 'fault.clear', id });
      assert.deepEqual(await versions(c, 2), [2, 3]);
    }),
    it('duplicate: an old version after a newer one; reorder: the second before the first', async () => {
      const c = await agent(hub, 'order');
      await add(hub, 'order', 'duplicate', { delay: '150ms' });
      await hub.desired('order', { n: 1 });
      await hub.desired('order', { n: 2 });
      assert.deepEqual(await versions(c, 3), [2, 3, 2]);
      await add(hub, 'order', 'reorder');
      await hub.desired('order', { n: 3 });
      await hub.desired('order', { n: 4 });
      assert.deepEqual(await versions(c, 2), [5, 4]);
    }),
    it('rid and version: answers to nobody, and numbers that are off', async () => {
      const c = await agent(hub, 'wrong');
      await add(hub, 'wrong', 'rid');
      await c.publish('$iothub/twin/PATCH/properties/reported/?$rid=1', '{"a":1}');
      assert.equal((await c.message(RES)).topic, `${RES}204/?$rid=2147483647&$version=2`);
      await add(hub, 'wrong', 'rid', { operation: 'twin-get', how: 'missing' });
      await c.publish('$iothub/twin/GET/?$rid=2', '');
      assert.equal((await c.message(RES)).topic, `${RES}200/?`);
      await add(hub, 'wrong', 'version', { by: 3 });
      await hub.desired('wrong', { n: 1 });
      const seen = await note(c);
      assert.deepEqual([seen.version, seen.body], [5, { n: 1, $version: 5 }]);
      assert.equal((await hub.twin('wrong')).properties.desired.$version, 2);
    }),
    it('malform: a twin that is no JSON, half of one, a list, twice over, or says too much', async () => {
      const c = await agent(hub, 'malform');
      const text = async (how) => {
        await add(hub, 'malform', 'malform', { how });
        await c.publish('$iothub/twin/GET/?$rid=1', '');
        return (await c.message(`${RES}200/`)).payload.toString();
      };
      const whole = '{"desired":{"$version":1},"reported":{"$version":1}}';
      assert.equal(await text('truncated'), whole.slice(0, whole.length / 2));
      assert.equal(await text('array'), `[${whole}]`);
      assert.equal(await text('empty'), '');
      assert.equal(await text('duplicate-member'), `{"desired":null,"reported":null,${whole.slice(1)}`);
      assert.match(await text('not-json'), /^<html>/);
      assert.ok(JSON.parse(await text('metadata')).desired.$metadata.$lastUpdated);
    }),
    it('throttle: over the rate 429, later again well; telemetry comes later', async () => {
      const c = await agent(hub, 'throttle');
      const events = await hub.listen('$twinsim/v1/events/throttle/#');
      const { id } = await add(hub, 'throttle', 'throttle', { rate: 4 });
      const rids = ['a', 'b', 'c', 'd', 'e'];
      const answers = await Promise.all(rids.map((rid) => c.twinPatch(rid, { rid })));
      assert.deepEqual(answers.map((a) => a.status), [204, 204, 204, 204, 429]);
      for (let n = 0; n < 5; n++) await c.publish('devices/throttle/messages/events/', String(n), { qos: 1 });
      for (let n = 0; n < 4; n++) assert.equal((await events.event('telemetry')).body, n);
      const released = await events.event('fault', (e) => e.phase === 'released');
      assert.equal((await events.event('telemetry')).body, 4);
      assert.ok(released.actual_us - released.planned_us < LATE_US);
      await hub.ok({ command: 'fault.clear', id });
    }),
    it('quota: the message over it ends the connection and is not stored', async () => {
      const c = await agent(hub, 'quota');
      await add(hub, 'quota', 'quota', { messages: 1 });
      await c.publish('devices/quota/messages/events/', '1', { qos: 1 });
      await assert.rejects(c.publish('devices/quota/messages/events/', '2', { qos: 1 }), /closed/);
    }),
    it('disconnect, expire, takeover: at once, and each operation ends the connection without being carried out', async () => {
      const events = await hub.listen('$twinsim/v1/events/cut/#');
      await hub.create('cut');
      const steps = { subscribe: (c) => c.subscribe('$iothub/methods/POST/#').catch(() => {}), 'twin-get': (c) => c.publish('$iothub/twin/GET/?$rid=1'),
        reported: (c) => c.publish('$iothub/twin/PATCH/properties/reported/?$rid=1', '{"a":1}'), telemetry: (c) => c.publish('devices/cut/messages/events/', '1'),
        desired: () => hub.desired('cut', { n: 1 }) };
      for (const [type, reason] of [['disconnect', 'fault'], ['expire', 'token'], ['takeover', 'takeover']])
        for (const operation of [undefined, ...Object.keys(steps)]) {
          const c = await hub.device('cut');
          await c.subscribe([`${RES}#`, `${NOTE}#`]);
          await add(hub, 'cut', type, { operation });
          if (operation) await steps[operation](c);
          await c.closed();
          assert.equal((await events.event('disconnected')).reason, reason, `${type} on ${operation}`);
          assert.equal(c.messages().length, 0);
        }
      assert.equal((await hub.twin('cut')).properties.reported.$version, 1);
    }),
    it('disconnect at a time: then, and not before', async () => {
      const c = await agent(hub, 'at');
      const events = await hub.listen('$twinsim/v1/events/at/#');
      await add(hub, 'at', 'disconnect', { at: '120ms' });
      await c.closed();
      const e = await events.event('fault');
      assert.ok(e.actual_us >= e.planned_us && e.actual_us - e.planned_us < LATE_US);
    }),
    it('refuse is CONNACK 5 with its reason told; disconnect on connect is no CONNACK; the next one comes in', async () => {
      await hub.create('door');
      const events = await hub.listen('$twinsim/v1/events/door/#');
      await add(hub, 'door', 'refuse', { reason: 'expired' });
      await add(hub, 'door', 'disconnect', { operation: 'connect' });
      assert.equal((await hub.connect(hub.login('door'))).connack.code, 5);
      assert.equal((await events.event('refused')).reason, 'the token has expired');
      assert.equal((await hub.connect(hub.login('door'))).connack, null);
      await hub.device('door');
    }),
    it('a clock two hours ahead refuses a token of one; the hub\'s own clock is right', async () => {
      await hub.create('skew');
      await add(hub, 'skew', 'clock-skew', { by: '2h' });
      assert.equal((await hub.connect(hub.login('skew'))).connack.code, 5);
      await hub.device('skew');
    }),
  ]);
  assert.deepEqual((await hub.ok({ command: 'fault.list' })).items.filter((f) => f.on !== 'quota'), [], 'each struck as often as it should');
});

test('the hub\'s clock: an hour later the token has ended, and a new one of that time is good', async (t) => {
  const hub = await startHub(t);
  const events = await hub.listen();
  const c = await agent(hub, 'dev');
  const before = Date.now();
  const { time, offsetSeconds } = await hub.ok({ command: 'clock.advance', by: 'PT2H' });
  assert.ok(Math.abs(Date.parse(time) - before - 7200e3) < 10e3);
  assert.equal(offsetSeconds, 7200);
  await c.closed();
  assert.equal((await events.event('disconnected')).reason, 'token');
  assert.equal((await hub.connect(hub.login('dev'))).connack.code, 5);
  const se = Math.floor(Date.now() / 1000) + 3 * 3600;
  await hub.device('dev', { password: hub.token('dev', { se }) });
  const updated = await hub.desired('dev', { a: 1 });
  assert.ok(Date.parse(updated.properties.desired.$metadata.a.$lastUpdated) - before > 7190e3);
  await hub.ok({ command: 'clock.freeze' });
  assert.equal((await hub.ok({ command: 'clock.show' })).time, (await hub.ok({ command: 'clock.show' })).time);
  const resumed = await hub.ok({ command: 'clock.resume' });
  assert.equal(resumed.frozen, false);
  await hub.ok({ command: 'clock.advance', by: `-${(resumed.offsetSeconds * 1000).toFixed()}ms` });
  assert.ok(Math.abs(Date.parse((await hub.ok({ command: 'clock.show' })).time) - Date.now()) < 10e3);
});

test('a restart forgets faults and sets the clock right', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev');
  await add(hub, 'dev', 'refuse', { times: 0 });
  await hub.ok({ command: 'clock.advance', by: '1d' });
  await hub.restart();
  await hub.device('dev');
  assert.equal((await hub.ok({ command: 'clock.show' })).offsetSeconds, 0);
});

test('what would outlast its connection is dropped: an answer held for one is not given to the next', async (t) => {
  const hub = await startHub(t);
  const first = await agent(hub, 'dev');
  await add(hub, 'dev', 'hold', { operation: 'twin-get' });
  await first.publish('$iothub/twin/GET/?$rid=old', '');
  await first.ping();
  const second = await hub.device('dev');
  await second.subscribe(`${RES}#`);
  await hub.ok({ command: 'fault.clear' });
  assert.equal((await second.twinGet('new')).status, 200);
  assert.equal(second.messages().length, 0);
});

for (const [puback, title] of [[true, 'after its PUBACK'], [false, 'before its PUBACK']])
  test(`a fault message of the SDKs cuts ${title}, and CONNECTs for as long as it says (facts C-22)`, async (t) => {
    const hub = await startHub(t, { plugin: { faultMessages: true, faultMessagePuback: puback } });
    const events = await hub.listen();
    const c = await agent(hub, 'dev');
    const sent = c.publish('devices/dev/messages/events/AzIoTHub_FaultOperationType=KillTcp&AzIoTHub_FaultOperationCloseReason=boom&AzIoTHub_FaultOperationDurationInSecs=1', 'x', { qos: 1 });
    if (puback) await sent;
    else await assert.rejects(sent, /closed/);
    await c.closed();
    assert.equal((await hub.connect(hub.login('dev'))).connack, null);
    const fault = await events.event('fault', (e) => e.operation === 'connect');
    assert.equal(fault.sdk, true);
    let back;
    do back = await hub.connect(hub.login('dev'));
    while (back.connack === null);
    assert.equal(back.connack.code, 0);
    assert.ok(!events.seen.some((e) => e.kind === 'telemetry'));
  });
