// How the official Node SDK comes in, and how it is turned away.
'use strict';
const { test } = require('node:test');
const { Client } = require('azure-iot-device');
const { Mqtt } = require('azure-iot-device-mqtt');
const { NoRetry } = require('azure-iot-common');
const { assert, client, open, sas, settle, startHub, twinOf, within } = require('./sdk.js');

const refused = { name: 'UnauthorizedError' };

test('a device opens with HostName=127.x.y.z and a key (facts M-03, C-01)', async (t) => {
  const hub = await startHub(t);
  const events = await hub.listen();
  await open(hub, 'dev');
  const e = await events.event('connected');
  assert.equal(e.device, 'dev');
  assert.match(e.clientType, /^azure-iot-device/);
});

test('a module opens while its device is connected (facts M-07)', async (t) => {
  const hub = await startHub(t);
  const device = await open(hub, 'dev');
  const module = await open(hub, 'dev/mod');
  assert.ok(await twinOf(device));
  assert.ok(await twinOf(module));
});

test('a connection string with GatewayHostName reaches the hub under its own name (facts C-02)', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev');
  const c = await client(hub, 'dev', { host: hub.hostname, gateway: hub.host });
  await within(c.open(), 'the device opens');
});

test('the secondary key opens too (facts A-08)', async (t) => {
  const hub = await startHub(t);
  await open(hub, 'dev', { which: 'secondary' });
});

test('a wrong key is refused as unauthorized (facts M-06)', async (t) => {
  const hub = await startHub(t);
  const events = await hub.listen();
  await hub.create('dev');
  const c = await client(hub, 'dev', { key: Buffer.alloc(32, 7) });
  await assert.rejects(within(c.open(), 'a refusal'), refused);
  assert.match((await events.event('refused')).reason, /signature/);
});

test('a device the hub does not know is refused as unauthorized (facts M-06)', async (t) => {
  const hub = await startHub(t);
  const c = await client(hub, 'stranger');
  await assert.rejects(within(c.open(), 'a refusal'), refused);
});

test('a disabled device is refused, and let in again once enabled (facts A-11)', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev', { status: 'disabled' });
  const c = await client(hub, 'dev');
  await assert.rejects(within(c.open(), 'a refusal'), refused);
  await hub.ok({ command: 'device.update', deviceId: 'dev', status: 'enabled' });
  await open(hub, 'dev', { exists: true });
});

test('a ready token opens, an expired one is refused (facts A-04)', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev');
  const good = await settle(hub, Client.fromSharedAccessSignature(hub.token('dev', { host: hub.host }), Mqtt));
  await within(good.open(), 'the device opens');
  const old = await settle(hub, Client.fromSharedAccessSignature(hub.token('dev', { host: hub.host, se: 1500000000 }), Mqtt));
  await assert.rejects(within(old.open(), 'a refusal'), refused);
});

test('after the primary key is renewed the old one is refused and the new one opens (facts A-08)', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev');
  const { authentication } = await hub.ok({ command: 'device.renew-key', deviceId: 'dev', keyType: 'primary' });
  const old = await client(hub, 'dev');
  await assert.rejects(within(old.open(), 'a refusal'), refused);
  await open(hub, 'dev', { exists: true, key: Buffer.from(authentication.symmetricKey.primaryKey, 'base64') });
});

test("a module's key is its own: the device's key does not open it (facts A-09)", async (t) => {
  const hub = await startHub(t);
  await hub.create('dev/mod');
  const c = await client(hub, 'dev/mod', { key: sas.identityKey('dev') });
  await assert.rejects(within(c.open(), 'a refusal'), refused);
});

test('ids with = \' ( % @ in them open (facts A-16)', async (t) => {
  const hub = await startHub(t);
  await open(hub, "dev=1'(2)%@x");
});

test('the model id announced at connect is in the twin (facts M-09)', async (t) => {
  const hub = await startHub(t);
  await open(hub, 'dev', { options: { modelId: 'dtmi:com:example:Thermostat;1' } });
  assert.equal((await hub.twin('dev')).modelId, 'dtmi:com:example:Thermostat;1');
});

test('a second connection of the same device ends the first (facts M-08)', async (t) => {
  const hub = await startHub(t);
  const first = await open(hub, 'dev');
  first.setRetryPolicy(new NoRetry());
  const gone = new Promise((resolve) => first.once('disconnect', resolve));
  await open(hub, 'dev', { exists: true });
  await within(gone, 'the first is told that it lost the connection');
});

test('a client of a module that is deleted while connected is turned away (facts T-25)', async (t) => {
  const hub = await startHub(t);
  const module = await open(hub, 'dev/mod');
  module.setRetryPolicy(new NoRetry());
  const gone = new Promise((resolve) => module.once('disconnect', resolve));
  await hub.ok({ command: 'module.delete', deviceId: 'dev', moduleId: 'mod' });
  await within(gone, 'the module loses its connection');
});
