// hub-events.test.js - events in the real service's own shape, over the wire: who gets them, and that nobody else notices.
'use strict';
const assert = require('node:assert/strict');
const test = require('node:test');
const { startHub } = require('../support/hub.js');
const { Running, up } = require('../support/twinsim.js');

const ROOT = '$twinsim/hub-events/v1/';

async function next(reader) {
  const p = await reader.client.message(ROOT);
  return { topic: p.topic.slice(ROOT.length), ...JSON.parse(p.payload.toString()) };
}

test('a reader gets changes, connections and telemetry in the shape of the service (facts T-30, T-33, T-34)', async (t) => {
  const hub = await startHub(t);
  await hub.create('d/m');
  const reader = await hub.listen(`${ROOT}#`);
  const events = await hub.listen(); // the hub's own stream has none of them, and keeps its count
  const device = await hub.device('d/m');
  const connected = await next(reader);
  assert.equal(connected.topic, 'd/m/deviceConnectionStateEvents');
  assert.equal(connected.properties.opType, 'deviceConnected');
  assert.match(connected.body.sequenceNumber, /^[0-9A-F]{64}$/);
  await device.publish('$iothub/twin/PATCH/properties/reported/?$rid=1', '{"a":{"b":1}}');
  const changed = await next(reader);
  assert.equal(changed.topic, 'd/m/twinChangeEvents');
  assert.deepEqual(Object.keys(changed.body), ['version', 'properties']);
  const { $metadata, ...reported } = changed.body.properties.reported;
  assert.deepEqual(reported, { a: { b: 1 }, $version: 2 });
  assert.deepEqual(Object.keys($metadata), ['$lastUpdated', 'a']);
  assert.deepEqual(changed.properties, { hubName: 'twinsim', deviceId: 'd', moduleId: 'm', opType: 'updateTwin', 'iothub-message-schema': 'twinChangeNotification', operationTimestamp: changed.systemProperties['iothub-enqueuedtime'] });
  await device.publish('devices/d/modules/m/messages/events/%24.on=out', 'text', { qos: 1 });
  const sent = await next(reader);
  assert.equal(sent.topic, 'd/m/Telemetry');
  assert.equal(sent.systemProperties['iothub-outputname'], 'out');
  assert.equal(sent.bodyBase64, Buffer.from('text').toString('base64'));
  await device.disconnect();
  const left = await next(reader);
  assert.equal(left.properties.opType, 'deviceDisconnected');
  assert.ok(left.body.sequenceNumber > connected.body.sequenceNumber);
  await events.event('disconnected');
  const seqs = events.seen.map((e) => e.seq);
  assert.deepEqual(seqs, seqs.map((_, i) => seqs[0] + i));
});

test('twinsim monitor --hub-events shows them, for people and as they come', async (t) => {
  const hub = await up(t);
  await hub.ok('device', 'create', 'a');
  const watch = (...args) => new Running(['monitor', '--hub-events', ...args, '--data', hub.data, '--ready']);
  const [plain, json] = [watch('a', '--count', '1'), watch('--json', '--count', '1')];
  for (const m of [plain, json]) await m.shows(/listening/, 'stderr');
  await hub.ok('twin', 'update', 'a', '--tags', '{"site":"x"}');
  assert.match((await plain.ended).stdout, /^\d\d:\d\d:\d\d\.\d+ +a +twinChangeEvents properties=.*updateTwin.*"site":"x".*\n$/);
  const event = JSON.parse((await json.ended).stdout);
  assert.deepEqual(Object.keys(event), ['systemProperties', 'properties', 'body']);
  assert.deepEqual(event.body, { version: 3, tags: { site: 'x' } });
});
