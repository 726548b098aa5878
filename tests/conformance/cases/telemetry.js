// telemetry.js - what a client sends, as the service reads it.
'use strict';
const { assert } = require('../lib/case.js');

/** Send one message; resolves to the hub's event of it. */
async function sent(x, message, c) {
  await (c ?? (await x.open())).send(message);
  return x.event('telemetry');
}
const JSON_BODY = { contentType: 'application/json', contentEncoding: 'utf-8' };
const KB = 1024;

module.exports = {
  async 'telemetry-properties'(x) {
    const e = await sent(x, { body: '{"temperature":21.5}', ...JSON_BODY, properties: { unit: 'Celsius', floor: '3' } });
    assert.deepEqual(e.body, { temperature: 21.5 });
    assert.deepEqual(e.properties, { unit: 'Celsius', floor: '3' });
    assert.deepEqual([e.system['content-type'], e.system['content-encoding'], e.security], ['application/json', 'utf-8', false]);
  },

  async 'telemetry-system'(x) {
    const { system } = await sent(x, { body: '{}', ...JSON_BODY, messageId: 'm-1', correlationId: 'c 1' });
    assert.deepEqual([system['message-id'], system['correlation-id'], system['content-type'], system['content-encoding']], ['m-1', 'c 1', 'application/json', 'utf-8']);
  },

  async 'telemetry-user-id'(x) {
    assert.equal((await sent(x, { body: '{}', userId: 'somebody' })).system['user-id'], 'somebody');
  },

  async 'telemetry-expiry'(x) {
    const { system } = await sent(x, { body: '{}', expiry: '2099-01-02T03:04:05.000Z' });
    assert.ok(Object.values(system).some((value) => /^2099-01-02T03:04:05/.test(value)), JSON.stringify(system));
  },

  async 'telemetry-odd-properties'(x) {
    const properties = { 'a b': 'c&d=é', '100%': 'a/b+c?d#e', 'ключ': '値', 'x=y': '"quoted"', 'q?': '%20' };
    assert.deepEqual((await sent(x, { body: '{}', properties })).properties, properties);
  },

  async 'telemetry-empty-value'(x) {
    assert.deepEqual((await sent(x, { body: '{}', properties: { empty: '', full: '1' } })).properties, { empty: '', full: '1' });
  },

  async 'telemetry-many-properties'(x) {
    const properties = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`name${i}`, `value ${i}`]));
    assert.deepEqual((await sent(x, { body: '{}', properties })).properties, properties);
  },

  async 'telemetry-empty'(x) {
    const e = await sent(x, { body: '', properties: { is: 'empty' } });
    assert.deepEqual(e.properties, { is: 'empty' });
    assert.ok([undefined, null, ''].includes(e.body ?? e.bodyBase64), JSON.stringify(e));
  },

  async 'telemetry-bytes'(x) {
    const bodyBase64 = Buffer.from([0, 1, 2, 250, 255, 10, 13]).toString('base64');
    assert.equal((await sent(x, { bodyBase64 })).bodyBase64, bodyBase64);
  },

  async 'telemetry-letters'(x) {
    const body = { 'größe': 'Straße', text: 'Привет 値 👩‍🔬' };
    assert.deepEqual((await sent(x, { body: JSON.stringify(body), ...JSON_BODY })).body, body);
  },

  async 'telemetry-255k'(x) {
    const body = JSON.stringify('x'.repeat(255 * KB - 2));
    assert.equal((await sent(x, { body })).body.length, 255 * KB - 2);
  },

  async 'telemetry-too-large'(x) {
    const c = await x.open({ retry: false });
    await x.fails(c.send({ body: JSON.stringify('x'.repeat(257 * KB)) }), 'invalid', 'unreachable', 'refused', 'timeout');
    const next = await x.connect();
    assert.equal((await sent(x, { body: '"next"' }, next)).body, 'next', 'the first that arrives');
  },

  async 'telemetry-order'(x) {
    const c = await x.open();
    await Promise.all(Array.from({ length: 50 }, (_, n) => c.send({ body: JSON.stringify({ n }) })));
    for (let n = 0; n < 50; n++) assert.deepEqual((await x.event('telemetry')).body, { n });
  },

  async 'telemetry-burst'(x) {
    const c = await x.open();
    const came = new Set();
    await Promise.all(Array.from({ length: 200 }, (_, n) => c.send({ body: JSON.stringify({ n }) })));
    for (let i = 0; i < 200; i++) came.add((await x.event('telemetry')).body.n);
    assert.equal(came.size, 200, 'none is missing');
    await c.twin();
    assert.deepEqual(x.untaken('telemetry'), [], 'none came twice');
  },

  async 'telemetry-stamped'(x) {
    const { system } = await sent(x, { body: '{}' });
    const { generationId } = await x.ok({ command: x.isModule ? 'module.show' : 'device.show', deviceId: x.device, ...(x.isModule && { moduleId: 'mod' }) });
    assert.equal(system['iothub-connection-device-id'], x.device);
    assert.equal(system['iothub-connection-module-id'], x.isModule ? 'mod' : undefined);
    assert.equal(system['iothub-connection-auth-generation-id'], generationId);
    assert.equal(JSON.parse(system['iothub-connection-auth-method']).issuer, 'iothub');
  },

  async 'telemetry-security'(x) {
    assert.equal((await sent(x, { body: '{"Events":[]}', security: true })).security, true);
  },

  async 'telemetry-component'(x) {
    const { system } = await sent(x, { body: '{"temperature":22}', properties: { '$.sub': 'thermostat1' } });
    assert.equal(system['dt-subject'], 'thermostat1');
  },

  async 'telemetry-output'(x) {
    const e = await sent(x, { body: '{"on":true}', output: 'alarms', properties: { level: 'high' } });
    assert.equal(e.module, 'mod');
    assert.equal(e.system['iothub-outputname'], 'alarms');
    assert.deepEqual([e.body, e.properties], [{ on: true }, { level: 'high' }]);
  },

  async 'telemetry-no-echo'(x) {
    const c = await x.open({ host: x.hub.hostname, gateway: x.hub.host }); // without a gateway not every SDK subscribes to inputs
    await c.listen('inputs', { names: ['alarms', 'in'] });
    await c.send({ body: '{"on":true}', output: 'alarms' });
    await c.send({ body: '{"n":1}' });
    await x.event('telemetry', (e) => e.body?.n === 1);
    await c.twin(); // an answer comes behind all that came before
    assert.deepEqual(c.unheard('input'), []);
  },

  async 'telemetry-qos-0'(x) {
    const c = await x.open();
    await Promise.all(Array.from({ length: 20 }, (_, n) => c.send({ body: JSON.stringify({ n }), qos: 0 })));
    for (let n = 0; n < 20; n++) assert.deepEqual((await x.event('telemetry')).body, { n });
  },

  async 'telemetry-retain'(x) {
    const { body, properties } = await sent(x, { body: '{"n":1}', properties: { own: '1' }, retain: true });
    assert.deepEqual([body, properties], [{ n: 1 }, { own: '1', 'mqtt-retain': 'true' }]);
  },

  async 'telemetry-will'(x) {
    const c = await x.open({ will: '"gone"' });
    await x.event('connected');
    await x.fault('disconnect');
    const { body, properties } = await x.event('telemetry');
    assert.deepEqual([body, properties], ['gone', { 'iothub-MessageType': 'Will' }]);
    await c.twin();
    await c.disconnect();
    await x.event('disconnected', (e) => e.reason === 'client');
    assert.equal((await sent(x, { body: '"next"' }, await x.connect())).body, 'next', 'the first that arrives');
  },

  async 'telemetry-apart'(x) {
    await x.create();
    const module = await x.connect();
    const device = await x.connect({ id: x.device });
    await device.send({ body: '"device"' });
    await module.send({ body: '"module"' });
    assert.equal((await x.event('telemetry', () => true, { of: x.device })).body, 'device');
    assert.equal((await x.event('telemetry')).body, 'module');
  },
};
