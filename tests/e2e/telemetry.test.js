// telemetry.test.js - messages of devices: taken, shown on the event stream and to service clients, never routed to devices.
'use strict';
const assert = require('node:assert/strict');
const test = require('node:test');
const { startHub } = require('../support/hub.js');

async function start(t, options) {
  const hub = await startHub(t, options);
  await hub.create('dev/mod');
  await hub.create('other');
  const events = await hub.listen();
  return { hub, events };
}

test('a publish to any other topic closes the connection (facts M-15)', async (t) => {
  const { hub, events } = await start(t);
  const topics = ['foo', 'devices/other/messages/events/', 'devices/dev/modules/mod/messages/events/', 'devices/dev/messages/devicebound/', 'devices/dev/messages/event', 'devices/DEV/messages/events/', '$iothub/twin/get/?$rid=1', '$iothub/twin/PATCH/properties/desired/?$rid=1',
    '$iothub/twin/PATCH/properties/reported/foo/?$rid=1', '$iothub/unknown', '$twinsim/v1/events/dev/connected', '$CONTROL/twinsim/v1', '$CONTROL/dynamic-security/v1', '/', ' '];
  for (const topic of topics) {
    for (const qos of [0, 1]) {
      const c = await hub.device('dev');
      await c.publish(topic, '{"commands":[]}', { qos }).catch(() => {});
      await c.closed();
      const e = await events.event('violation');
      assert.deepEqual([e.device, e.topic], ['dev', topic]);
    }
  }
});

test('a publish at QoS 2 closes the connection (facts B-14)', async (t) => {
  const { hub } = await start(t);
  const c = await hub.device('dev');
  await c.publish('devices/dev/messages/events/', 'x', { qos: 2 });
  await c.closed();
});

test('telemetry is shown with its properties, its body, and what the hub stamps on it (facts M-18)', async (t) => {
  const { hub, events } = await start(t);
  const c = await hub.device('dev');
  for (const bag of ['%24.ct=application%2Fjson&%24.ce=utf-8&a%20b=c', '$.ct=application%2Fjson&$.ce=utf-8&a%20b=c']) {
    await c.publish(`devices/dev/messages/events/${bag}`, '{"t":21.50}', { qos: 1 });
    const e = await events.event('telemetry');
    assert.equal(e.topic, '$twinsim/v1/events/dev/telemetry');
    assert.equal(e.system['content-type'], 'application/json');
    assert.equal(e.system['content-encoding'], 'utf-8');
    assert.equal(e.system['iothub-connection-device-id'], 'dev');
    assert.deepEqual(e.properties, { 'a b': 'c' });
    assert.deepEqual(e.body, { t: 21.5 });
    assert.equal(e.security, false);
  }
});

test('with or without a slash, before or behind the bag, the message is the same (facts M-19)', async (t) => {
  const { hub, events } = await start(t);
  const c = await hub.device('dev');
  for (const [tail, properties] of [['', {}], ['/', {}], ['/k=v', { k: 'v' }], ['/k=v/', { k: 'v' }], ['/colour=light blue&path=a/b', { colour: 'light blue', path: 'a/b' }]]) {
    await c.publish(`devices/dev/messages/events${tail}`, 'text');
    const e = await events.event('telemetry');
    assert.deepEqual(e.properties, properties, tail);
    assert.equal(Buffer.from(e.bodyBase64, 'base64').toString(), 'text');
  }
});

test('bytes of any kind come through, NULs included', async (t) => {
  const { hub, events } = await start(t);
  const c = await hub.device('dev');
  const s = await hub.service();
  await s.client.subscribe('devices/+/messages/events/#', 1);
  for (const body of [Buffer.alloc(0), Buffer.from([0]), Buffer.from([0, 255, 128, 0]), Buffer.alloc(5000, 0xfe)]) {
    await c.publish('devices/dev/messages/events/', body, { qos: 1 });
    const e = await events.event('telemetry');
    assert.deepEqual(Buffer.from(e.bodyBase64 ?? '', 'base64'), body);
    assert.deepEqual((await s.client.message('devices/dev/messages/events/')).payload, body);
  }
});

test('retain is noted as a property and nothing is retained (facts M-16)', async (t) => {
  const { hub, events } = await start(t);
  const c = await hub.device('dev');
  await c.publish('devices/dev/messages/events/', '1', { qos: 1, retain: true });
  assert.equal((await events.event('telemetry')).properties['mqtt-retain'], 'true');
  const s = await hub.service();
  await s.client.subscribe('devices/+/messages/events/#', 1);
  await s.client.ping();
  assert.deepEqual(s.client.messages(), []);
});

test('256 KB with properties are taken, one byte more closes the connection (facts M-17, L-20)', async (t) => {
  const { hub, events } = await start(t);
  const c = await hub.device('dev');
  const bag = 'k=v';
  await c.publish(`devices/dev/messages/events/${bag}`, Buffer.alloc(256 * 1024 - 2, 0xff), { qos: 1 });
  await events.event('telemetry');
  await c.publish(`devices/dev/messages/events/${bag}`, Buffer.alloc(256 * 1024 - 1, 0xff), { qos: 0 });
  await c.closed();
  assert.match((await events.event('violation')).reason, /256 KB/);
  const huge = await hub.device('dev');
  await huge.publish('devices/dev/messages/events/', Buffer.alloc(1024 * 1024), { qos: 0 });
  await huge.closed();
});

test('a will fires when the connection breaks, marked as one, and not on DISCONNECT (facts M-20)', async (t) => {
  const { hub, events } = await start(t);
  const s = await hub.service();
  await s.client.subscribe('devices/+/messages/events/#', 0);
  const will = { topic: 'devices/dev/messages/events/reason=lost', payload: '{"gone":true}', qos: 1 };
  let c = await hub.device('dev', { will });
  await c.drop();
  const e = await events.event('telemetry');
  assert.deepEqual([e.properties, e.body], [{ reason: 'lost', 'iothub-MessageType': 'Will' }, { gone: true }]);
  assert.equal((await s.client.message('devices/dev/')).payload.toString(), '{"gone":true}');
  c = await hub.device('dev', { will });
  await c.disconnect();
  c = await hub.device('dev');
  await c.publish('devices/dev/messages/events/', '"next"', { qos: 1 });
  assert.equal((await events.event('telemetry')).body, 'next');
});

test('the will of a connection that is taken over by a clean one fires too', async (t) => {
  const { hub, events } = await start(t);
  const will = { topic: 'devices/dev/modules/mod/messages/events/', payload: '{"gone":1}' };
  await hub.device('dev/mod', { will });
  await hub.device('dev/mod');
  const e = await events.event('telemetry');
  assert.equal(e.properties['iothub-MessageType'], 'Will');
  assert.deepEqual([e.device, e.module], ['dev', 'mod']);
});

test("without the gateway a will on another identity's topic is a violation and goes nowhere", async (t) => {
  const { hub, events } = await start(t, { gateway: false });
  const s = await hub.service();
  await s.client.subscribe('devices/+/messages/events/#', 0);
  const c = await hub.device('dev', { will: { topic: 'devices/other/messages/events/', payload: 'x' } });
  await c.drop();
  await events.event('violation', (e) => e.device === 'dev');
  await s.client.ping();
  assert.deepEqual(s.client.messages(), []);
});

test('a security message is known by its interface id (facts S-01)', async (t) => {
  const { hub, events } = await start(t);
  const c = await hub.device('dev/mod');
  await c.publish('devices/dev/modules/mod/messages/events/%24.ifid=urn%3Aazureiot%3ASecurity%3ASecurityAgent%3A1', '{"AgentVersion":"0.0.1"}', { qos: 1 });
  const e = await events.event('telemetry');
  assert.deepEqual([e.security, e.device, e.module], [true, 'dev', 'mod']);
});

test('no device is sent what another, or itself, has written', async (t) => {
  const { hub, events } = await start(t);
  const clients = await Promise.all([hub.device('dev'), hub.device('other'), hub.device('dev/mod')]);
  await clients[0].subscribe(['devices/+/messages/devicebound/#', '$iothub/methods/POST/#'], 1);
  await clients[1].subscribe(['devices/+/messages/devicebound/#'], 1);
  await clients[2].subscribe(['devices/dev/modules/mod/#'], 1);
  await clients[0].publish('devices/dev/messages/events/', '1', { qos: 1 });
  await clients[1].publish('devices/other/messages/events/', '2', { qos: 1 });
  await clients[2].publish('devices/dev/modules/mod/messages/events/', '3', { qos: 1 });
  for (let i = 0; i < 3; i++) await events.event('telemetry');
  for (const c of clients) {
    await c.ping();
    assert.deepEqual(c.messages(), []);
  }
});

test('500 messages at once arrive all, in order, each event with the next number', async (t) => {
  const { hub, events } = await start(t);
  const c = await hub.device('dev');
  for (let n = 0; n < 500; n++) await c.publish('devices/dev/messages/events/', String(n));
  let last = 0;
  for (let n = 0; n < 500; n++) {
    const e = await events.event('telemetry');
    assert.equal(e.body, n);
    if (last) assert.equal(e.seq, last + 1);
    last = e.seq;
  }
});
