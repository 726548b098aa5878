// connect.js - how a client comes in, is turned away, and leaves.
'use strict';
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const tls = require('node:tls');
const { assert } = require('../lib/case.js');

const MODEL = 'dtmi:com:example:Thermostat;1';
/** The hub has refused it, for that reason. */
const refusedFor = async (x, reason) => assert.match((await x.event('refused')).reason, reason);

/** It has left with a DISCONNECT. */
const left = async (x) => assert.equal((await x.event('disconnected')).reason, 'client');

module.exports = {
  async 'connect-key'(x) {
    await x.open();
    const e = await x.event('connected');
    assert.equal(typeof e.apiVersion, 'string');
    assert.ok(e.clientType, 'it says what it is');
  },

  async 'connect-beside-its-device'(x) {
    await x.create();
    const device = await x.connect({ id: x.device });
    const module = await x.connect();
    assert.equal((await device.twin()).reported.$version, 1);
    assert.equal((await module.twin()).reported.$version, 1);
    assert.equal((await x.twin(x.device)).connectionState, 'Connected');
    assert.equal((await x.twin()).connectionState, 'Connected');
  },

  async 'connect-gateway-host-name'(x) {
    const c = await x.open({ host: x.hub.hostname, gateway: x.hub.host });
    assert.equal((await c.twin()).reported.$version, 1);
  },

  async 'connect-secondary-key'(x) {
    await x.open({ key: x.key(x.id, { which: 'secondary' }) });
  },

  async 'connect-wrong-key'(x) {
    await x.create();
    await x.fails(x.connect({ key: Buffer.alloc(32, 7) }), 'unauthorized');
    await refusedFor(x, /signature/);
  },

  async 'connect-older-level'(x) {
    await x.create();
    await x.fails(x.connect({ key: Buffer.alloc(32, 7) }), 'unauthorized');
    await refusedFor(x, /signature/);
    await refusedFor(x, /only MQTT 3\.1\.1/);
  },

  async 'connect-unknown'(x) {
    await x.fails(x.connect(), 'unauthorized');
    await x.event('refused');
  },

  async 'connect-disabled'(x) {
    await x.create();
    await x.status('disabled');
    await x.fails(x.connect(), 'unauthorized');
    await refusedFor(x, /disabled/);
    await x.status('enabled');
    await x.connect();
  },

  async 'connect-token'(x) {
    const c = await x.open({ sas: x.token() });
    await c.twin();
  },

  async 'connect-expired-token'(x) {
    await x.create();
    await x.fails(x.connect({ sas: x.token({ se: 1500000000 }) }), 'unauthorized', 'invalid');
  },

  async 'connect-somebody-elses-token'(x) {
    await x.create();
    // The right key, but signed for an identity whose name begins alike.
    await x.fails(x.connect({ sas: x.token({ of: `${x.id}2` }) }), 'unauthorized');
    await x.event('refused');
  },

  async 'connect-new-key'(x) {
    await x.create();
    const [deviceId, moduleId] = x.id.split('/');
    const { authentication } = await x.ok({ command: 'device.renew-key', deviceId, moduleId, keyType: 'primary' });
    await x.fails(x.connect(), 'unauthorized');
    await x.connect({ key: Buffer.from(authentication.symmetricKey.primaryKey, 'base64') });
  },

  async 'connect-swapped-keys'(x) {
    await x.create();
    const [deviceId, moduleId] = x.id.split('/');
    await x.ok({ command: 'device.renew-key', deviceId, moduleId, keyType: 'swap' });
    for (const which of ['primary', 'secondary']) await (await x.connect({ key: x.key(x.id, { which }) })).disconnect();
  },

  async 'connect-key-of-its-device'(x) {
    await x.create();
    await x.fails(x.connect({ key: x.key(x.device) }), 'unauthorized');
    await refusedFor(x, /signature/);
  },

  async 'connect-odd-ids'(x) {
    const c = await x.open({ id: x.named(`${x.device}=1'(2)%@!*,_.:3`) });
    assert.equal((await c.twin()).reported.$version, 1);
  },

  async 'connect-long-ids'(x) {
    const id = x.isModule ? `${x.device.padEnd(128, 'd')}/${'m'.repeat(128)}` : x.device.padEnd(128, 'd');
    const c = await x.open({ id });
    assert.equal((await c.twin()).reported.$version, 1);
  },

  async 'connect-model-id'(x) {
    await x.open({ modelId: MODEL });
    assert.equal((await x.event('connected')).modelId, MODEL);
    assert.equal((await x.twin()).modelId, MODEL);
  },

  async 'connect-taken-over'(x) {
    await x.open({ retry: false });
    await x.event('connected');
    const second = await x.connect();
    assert.equal((await x.event('disconnected')).reason, 'takeover');
    await second.twin();
  },

  async 'connect-deleted'(x) {
    await x.open({ retry: false });
    await x.remove();
    assert.equal((await x.event('disconnected')).reason, 'identity');
    await x.fails(x.connect(), 'unauthorized');
  },

  async 'connect-disabled-meanwhile'(x) {
    await x.open({ retry: false });
    await x.status('disabled');
    assert.equal((await x.event('disconnected')).reason, 'identity');
    await x.fails(x.connect(), 'unauthorized');
    await x.status('enabled');
    await (await x.connect()).twin();
  },

  async 'connect-made-again'(x) {
    const first = await x.open();
    await first.report({ old: 1 });
    await first.disconnect();
    await x.remove();
    const second = await x.open();
    assert.deepEqual((await second.twin()).reported, { $version: 1 });
  },

  async 'connect-again'(x) {
    await x.create();
    for (let i = 1; i <= 10; i++) {
      const c = await x.connect();
      await c.report({ turn: i });
      await c.disconnect();
      await left(x);
    }
    assert.deepEqual(await x.reported(), { turn: 10, $version: 11 });
  },

  async 'connect-politely'(x) {
    const c = await x.open();
    await c.disconnect();
    await left(x);
    assert.equal((await x.twin()).connectionState, 'Disconnected');
  },

  async 'connect-keep-alive'(x) {
    await x.open({ keepAlive: 77 });
    assert.equal((await x.event('connected')).keepAlive, 77);
  },

  async 'connect-kept-session'(x) {
    await x.open();
    assert.equal((await x.event('connected')).clean, false);
  },

  async 'connect-session-present'(x) {
    const first = await x.open();
    assert.equal(first.sessionPresent, false);
    await first.disconnect();
    const second = await x.connect();
    assert.equal(second.sessionPresent, true);
    await second.disconnect();
    await x.remove();
    assert.equal((await x.open()).sessionPresent, false);
  },

  // The hub ends a silent connection after 6 s; for 12 s the client has nothing to say, and waits.
  async 'connect-idle'(x) {
    const c = await x.open({ keepAlive: 4 });
    await c.twin();
    await x.fault('delay', { operation: 'reported', delay: '12s' });
    await c.report({ after: 'silence' });
    assert.deepEqual(x.untaken('disconnected'), []);
  },

  async 'connect-many'(x) {
    const ids = Array.from({ length: 20 }, (_, i) => `${x.device}-${i}`);
    const clients = await Promise.all(ids.map((id) => x.open({ id })));
    await Promise.all(clients.map((c) => c.report({ iAm: c.id })));
    for (const id of ids) assert.deepEqual(await x.reported(id), { iAm: id, $version: 2 });
  },

  async 'connect-many-modules'(x) {
    const ids = Array.from({ length: 20 }, (_, i) => `${x.device}/mod${i}`);
    await x.create(x.device);
    const clients = await Promise.all(ids.map((id) => x.open({ id })));
    await Promise.all(clients.map((c) => c.report({ iAm: c.id })));
    for (const id of ids) assert.deepEqual(await x.reported(id), { iAm: id, $version: 2 });
  },

  async 'connect-hub-away'(x) {
    await x.create();
    await x.hub.stop();
    await x.fails(x.connect({ retry: false }), 'unreachable', 'unauthorized', 'timeout');
    await x.hub.start();
    assert.deepEqual((await (await x.connect()).twin()).reported, { $version: 1 });
  },

  async 'connect-hub-name'(x) {
    await x.create();
    await x.fails(x.connect({ serverName: 'another.azure-devices.test', retry: false }), 'unreachable');
    await (await x.connect({ serverName: x.hub.hostname })).twin();
    assert.deepEqual(x.untaken('refused'), [], 'the first never said who it is');
  },

  async 'connect-untrusted'(x) {
    const file = path.join(os.tmpdir(), `twinsim-other-ca-${process.pid}-${x.kind}.pem`);
    fs.writeFileSync(file, tls.rootCertificates[0]);
    try {
      await x.create();
      await x.fails(x.connect({ ca: file, retry: false }), 'unreachable', 'unauthorized', 'refused');
    } finally {
      fs.rmSync(file);
    }
    assert.equal((await x.twin()).connectionState, 'Disconnected');
    assert.deepEqual([x.untaken('connected').length, x.untaken('refused').length], [0, 0], 'no CONNECT came');
  },
};
