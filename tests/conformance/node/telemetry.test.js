// Telemetry of the official Node SDK, as the service reads it.
'use strict';
const { test } = require('node:test');
const { Message } = require('azure-iot-device');
const { assert, open, startHub, within } = require('./sdk.js');

function message(body, more = {}) {
  return Object.assign(new Message(typeof body === 'string' ? body : JSON.stringify(body)), more);
}

test('a message arrives with its body, its system and its application properties (facts M-18)', async (t) => {
  const hub = await startHub(t);
  const events = await hub.listen();
  const c = await open(hub, 'dev');
  const m = message({ temperature: 21.5 }, { messageId: 'm-1', correlationId: 'c 1', contentType: 'application/json', contentEncoding: 'utf-8' });
  m.properties.add('a b', 'c&d=é');
  await within(c.sendEvent(m), 'the PUBACK');
  const e = await events.event('telemetry');
  assert.deepEqual(e.body, { temperature: 21.5 });
  assert.equal(e.system['content-type'], 'application/json');
  assert.equal(e.system['content-encoding'], 'utf-8');
  assert.equal(e.system['correlation-id'], 'c 1');
  assert.deepEqual(e.properties, { 'a b': 'c&d=é' });
  assert.equal(e.security, false);
});

test("a module's output message arrives with its output name (facts M-19)", async (t) => {
  const hub = await startHub(t);
  const events = await hub.listen();
  const c = await open(hub, 'dev/mod');
  await within(c.sendOutputEvent('alarms', message({ on: true })), 'the PUBACK');
  const e = await events.event('telemetry');
  assert.equal(e.module, 'mod');
  assert.ok(Object.values(e.system).includes('alarms'));
});

test('a security message is known by its marker (facts S-01)', async (t) => {
  const hub = await startHub(t);
  const events = await hub.listen();
  const c = await open(hub, 'dev/mod');
  const m = message({ Events: [] });
  m.setAsSecurityMessage();
  await within(c.sendEvent(m), 'the PUBACK');
  assert.equal((await events.event('telemetry')).security, true);
});

test('messages sent without waiting arrive in order (facts M-18)', async (t) => {
  const hub = await startHub(t);
  const events = await hub.listen();
  const c = await open(hub, 'dev');
  await within(Promise.all([1, 2, 3].map((n) => c.sendEvent(message({ n })))), 'the PUBACKs');
  for (const n of [1, 2, 3]) assert.deepEqual((await events.event('telemetry')).body, { n });
});

test('a body that is not JSON arrives byte for byte', async (t) => {
  const hub = await startHub(t);
  const events = await hub.listen();
  const c = await open(hub, 'dev');
  const bytes = Buffer.from([0, 1, 2, 250, 255]);
  await within(c.sendEvent(new Message(bytes)), 'the PUBACK');
  assert.equal((await events.event('telemetry')).bodyBase64, bytes.toString('base64'));
});

test('255 KB are taken (facts M-17)', async (t) => {
  const hub = await startHub(t);
  const events = await hub.listen();
  const c = await open(hub, 'dev');
  await within(c.sendEvent(message(JSON.stringify('x'.repeat(255 * 1024)))), 'the PUBACK');
  assert.equal((await events.event('telemetry')).body.length, 255 * 1024);
});

test('what a device sends is not echoed to it, whatever it subscribes to (facts C-02)', async (t) => {
  const hub = await startHub(t);
  const events = await hub.listen();
  const c = await open(hub, 'dev/mod');
  const inputs = [];
  c.on('inputMessage', (...args) => inputs.push(args));
  await within(events.event('subscribed', (e) => e.filter.includes('/inputs/')), 'the SDK subscribes');
  await within(c.sendOutputEvent('alarms', message({ on: true })), 'the PUBACK');
  await within(c.sendEvent(message({ n: 1 })), 'the PUBACK');
  await events.event('telemetry', (e) => e.body?.n === 1);
  assert.deepEqual(inputs, []);
});
