// subscribe.test.js - what may be subscribed to, and what a forbidden filter costs.
'use strict';
const assert = require('node:assert/strict');
const test = require('node:test');
const { startHub } = require('../support/hub.js');

const DEVICE_FILTERS = ['$iothub/twin/res/#', '$iothub/twin/PATCH/properties/desired/#', '$iothub/methods/POST/#', 'devices/dev/messages/devicebound/#', 'devices/+/messages/devicebound/#'];
const MODULE_FILTERS = ['devices/dev/modules/mod/#', 'devices/dev/modules/mod/inputs/#', 'devices/dev/modules/mod/messages/devicebound/#', '$iothub/twin/res/#'];
const FORBIDDEN = ['#', '+', '+/#', 'devices/#', 'devices/other/messages/devicebound/#', 'devices/other/messages/events/#', 'devices/dev/messages/events/#', '$iothub/#', '$iothub/twin/#', '$SYS/#', '$twinsim/v1/#', '$CONTROL/#',
  '$share/g/devices/dev/messages/devicebound/#', '$iothub/twin/RES/#', 'devices/dev/messages/DeviceBound/#', 'devices/dev/modules/mod/#'];

test('the filters the protocol names are granted, QoS 2 as 1 (facts M-13)', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev/mod');
  const device = await hub.device('dev');
  const module = await hub.device('dev/mod');
  for (const [qos, granted] of [[0, 0], [1, 1], [2, 1]]) {
    assert.deepEqual(await device.subscribe(DEVICE_FILTERS, qos), DEVICE_FILTERS.map(() => granted));
    assert.deepEqual(await module.subscribe(MODULE_FILTERS, qos), MODULE_FILTERS.map(() => granted));
  }
});

test("a module's own telemetry does not come back to it through devices/{d}/modules/{m}/# (facts C-09)", async (t) => {
  const hub = await startHub(t);
  await hub.create('dev/mod');
  const module = await hub.device('dev/mod');
  const device = await hub.device('dev');
  await module.subscribe('devices/dev/modules/mod/#', 1);
  await device.subscribe('devices/+/messages/devicebound/#', 1);
  const s = await hub.listen();
  await module.publish('devices/dev/modules/mod/messages/events/a=b', '{}', { qos: 1 });
  await device.publish('devices/dev/messages/events/', '{}', { qos: 1 });
  await s.event('telemetry', (e) => e.module === 'mod');
  await s.event('telemetry', (e) => e.module === undefined);
  await Promise.all([module.ping(), device.ping()]);
  assert.deepEqual([...module.messages(), ...device.messages()], []);
});

test('a forbidden filter closes the connection and is told as a violation (facts M-14)', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev/mod');
  const events = await hub.listen();
  for (const filter of FORBIDDEN) {
    const c = await hub.device('dev');
    await assert.rejects(c.subscribe(filter), /closed/, filter);
    const e = await events.event('violation');
    assert.deepEqual([e.device, e.topic], ['dev', filter]);
    assert.equal((await events.event('disconnected')).reason, 'error');
  }
});

test('with forbiddenFilter 0x80 only that filter is refused, and the connection stays (facts M-14)', async (t) => {
  const hub = await startHub(t, { plugin: { forbiddenFilter: '0x80' } });
  await hub.create('dev');
  const c = await hub.device('dev');
  assert.deepEqual(await c.subscribe(['$iothub/twin/res/#', '#', '$iothub/methods/POST/#'], 1), [1, 0x80, 1]);
  assert.equal((await c.twinGet('1')).status, 200);
});

test('a connection may hold 64 filters; the next closes it', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev');
  const c = await hub.device('dev');
  const methods = Array.from({ length: 64 }, (_, i) => `$iothub/methods/POST/m${i}/#`);
  assert.equal((await c.subscribe(methods)).length, 64);
  await assert.rejects(c.subscribe('$iothub/methods/POST/one-more/#'), /closed/);
});

test('subscriptions are of the identity: clean session 0 finds them again, clean session 1 does not (facts M-11)', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev');
  let c = await hub.device('dev', { clean: false });
  await c.subscribe(['$iothub/twin/res/#', '$iothub/twin/PATCH/properties/desired/#'], 1);
  await c.disconnect();
  c = await hub.device('dev', { clean: false });
  assert.equal(c.connack.sessionPresent, true);
  assert.equal((await c.twinGet('1')).status, 200);
  await hub.desired('dev', { a: 1 });
  await c.message('$iothub/twin/PATCH/properties/desired/?$version=2');
  await c.disconnect();
  c = await hub.device('dev', { clean: true });
  assert.equal(c.connack.sessionPresent, false);
  await hub.desired('dev', { a: 2 });
  await c.publish('$iothub/twin/GET/?$rid=2', '', { qos: 1 });
  await c.ping();
  assert.deepEqual(c.messages(), []);
});

test('what is answered while the connection breaks is not delivered to the next one', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev');
  const c = await hub.device('dev', { clean: false });
  await c.subscribe('$iothub/twin/res/#', 1);
  c.acknowledges = false;
  assert.equal((await c.twinGet('lost')).status, 200);
  await c.drop();
  const back = await hub.device('dev', { clean: false });
  assert.equal((await back.twinGet('new')).status, 200);
  assert.deepEqual(back.messages(), []);
});

for (const how of ['cut', 'restart of the hub']) {
  test(`whatever was on its way at a ${how}, the next connection is answered (facts B-46)`, async (t) => {
    const hub = await startHub(t);
    await hub.create('dev');
    const c = await hub.device('dev', { clean: false });
    await c.subscribe(['$iothub/twin/res/#', '$iothub/twin/PATCH/properties/desired/#'], 1);
    c.acknowledges = false;
    for (let n = 1; n <= 40; n++) await hub.desired('dev', { n });
    await c.message('$iothub/twin/PATCH/properties/desired/?$version=21');
    if (how === 'cut') await c.drop();
    else await hub.restart();
    const back = await hub.device('dev', { clean: false });
    for (const rid of ['1', '2', '3']) assert.equal((await back.twinGet(rid)).status, 200);
    assert.deepEqual(back.messages(), []);
  });
}

test('a service client hears events, telemetry and answers, and may subscribe to nothing else', async (t) => {
  const hub = await startHub(t);
  const s = await hub.service();
  assert.deepEqual(await s.client.subscribe(['$twinsim/v1/#', '$twinsim/v1/events/+/connected', 'devices/+/messages/events/#', 'devices/+/modules/+/messages/events/#', '$CONTROL/twinsim/v1/response'], 1), [1, 1, 1, 1, 1]);
  assert.deepEqual(await s.client.subscribe(['#', '$SYS/#', 'devices/#', '$iothub/twin/res/#'], 1), [0x80, 0x80, 0x80, 0x80]);
});

test('events are written only while somebody listens, and numbered all the same', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev');
  const first = await hub.listen();
  await (await hub.device('dev')).disconnect();
  const { seq } = await first.event('disconnected');
  assert.equal((await hub.ok({ command: 'hub.status' })).listeners, true);
  await first.client.unsubscribe('$twinsim/v1/#');
  assert.equal((await hub.ok({ command: 'hub.status' })).listeners, false);
  await (await hub.device('dev')).disconnect();
  const second = await hub.listen();
  await (await hub.device('dev')).disconnect();
  assert.equal((await second.event('connected')).seq, seq + 3);
  await second.client.drop();
  for (;;) if (!(await hub.ok({ command: 'hub.status' })).listeners) break;
});
