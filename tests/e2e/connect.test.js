// connect.test.js - who may come in: user names, tokens, takeover; every refusal is CONNACK 5 with its true reason on the event stream only.
'use strict';
const assert = require('node:assert/strict');
const test = require('node:test');
const { startHub, sas, Client } = require('../support/hub.js');
const { connectPacket, TYPE } = require('../support/mqtt-wire.js');

const HOUR = 3600;
const now_s = () => Math.floor(Date.now() / 1000);

/** Log in with these options; the hub must refuse with CONNACK 5, close, and tell the reason to listeners. */
async function refused(hub, events, options, reason) {
  const c = await hub.connect(options);
  assert.deepEqual(c.connack, { sessionPresent: false, code: 5 });
  await c.closed();
  const event = await events.event('refused', (e) => e.clientId === options.clientId);
  assert.match(event.reason, reason);
  return event;
}

test('who may connect', { concurrency: true }, async (t) => {
  const hub = await startHub(t);
  await hub.create('dev');
  await hub.create('dev/mod');
  await hub.create('dev10');
  const listen = () => hub.listen();
  const it = (title, f) => t.test(title, f);

  await Promise.all([
    it('TLS 1.2 and TLS 1.3 on port 8883 take a level 4 CONNECT (facts M-01)', async () => {
      await hub.create('tls');
      for (const version of ['TLSv1.2', 'TLSv1.3']) {
        const c = await hub.device('tls', { minVersion: version, maxVersion: version });
        assert.equal(c.stream.getProtocol(), version);
        assert.equal(c.stream.authorized, true);
        await c.disconnect();
      }
    }),
    it('MQTT 3.1 and MQTT 5 are refused (facts M-01)', async () => {
      const events = await listen();
      await hub.create('old');
      await refused(hub, events, hub.login('old', { level: 3 }), /3\.1\.1/);
      const five = await Client.socket(hub.login('old'));
      hub.clients.push(five);
      five.send(connectPacket({ ...hub.login('old'), level: 5 }));
      const answer = await five.next((p) => p.type === TYPE.CONNACK, 'CONNACK');
      assert.equal(answer.body[1], 0x87);
      await five.closed();
    }),
    it("today's user name with DeviceClientType is accepted (facts M-03)", async () => {
      await hub.create('m03');
      const events = await listen();
      await hub.device('m03', { username: hub.userName('m03', '?api-version=2021-04-12&DeviceClientType=azure-iot-device%2F1.18.4%20(node%20v20)') });
      const e = await events.event('connected', (x) => x.device === 'm03');
      assert.equal(e.apiVersion, '2021-04-12');
    }),
    it('the older user name without a question mark is accepted (facts M-04)', async () => {
      await hub.create('m04');
      await hub.device('m04', { username: hub.userName('m04', 'api-version=2020-09-30') });
    }),
    it('the hub answers to its name, its address and localhost alike, in user name and token', async () => {
      await hub.create('names');
      for (const host of [hub.hostname, hub.host, 'localhost', hub.hostname.toUpperCase()]) {
        const c = await hub.device('names', { username: hub.userName('names', '?api-version=2021-04-12', host), password: hub.token('names', { host }) });
        await c.disconnect();
      }
    }),
    it('a client id that is not the identity, or differs in case, is CONNACK 5 (facts M-05)', async () => {
      const events = await listen();
      await refused(hub, events, hub.login('dev', { clientId: 'dev-m05' }), /client id/);
      await refused(hub, events, hub.login('dev', { clientId: 'DEV' }), /client id/);
    }),
    it('an unknown device is CONNACK 5 (facts M-06)', async () => {
      await refused(hub, await listen(), hub.login('nobody'), /no such identity/);
    }),
    it('a wrong key is CONNACK 5 (facts M-06)', async () => {
      await hub.create('m06-key');
      await refused(hub, await listen(), hub.login('m06-key', { password: hub.token('m06-key', { key: sas.identityKey('dev10') }) }), /signature/);
    }),
    it('an expired token is CONNACK 5 (facts M-06, A-04)', async () => {
      await hub.create('m06-se');
      await refused(hub, await listen(), hub.login('m06-se', { password: hub.token('m06-se', { se: now_s() - 2 }) }), /expired/);
    }),
    it('a disabled device, and each module of it, is CONNACK 5 (facts M-06, A-11)', async () => {
      await hub.create('off/mod');
      const live = await hub.device('off');
      const module = await hub.device('off/mod');
      await hub.ok({ command: 'device.update', deviceId: 'off', status: 'disabled' });
      await Promise.all([live.closed(), module.closed()]);
      const events = await listen();
      await refused(hub, events, hub.login('off'), /disabled/);
      await refused(hub, events, hub.login('off/mod'), /disabled/);
      await hub.ok({ command: 'device.update', deviceId: 'off', status: 'enabled' });
      await hub.device('off');
    }),
    it('no password, an empty one, and one that is no token are CONNACK 5', async () => {
      await hub.create('pw');
      const events = await listen();
      await refused(hub, events, hub.login('pw', { password: undefined }), /password/);
      await refused(hub, events, hub.login('pw', { password: '' }), /password/);
      await refused(hub, events, hub.login('pw', { password: 'secret' }), /SAS token/);
    }),
    it('a user name that is none, or of another hub, is CONNACK 5', async () => {
      const events = await listen();
      await hub.create('un');
      await refused(hub, events, hub.login('un', { username: 'un' }), /user name/);
      await refused(hub, events, hub.login('un', { username: undefined, password: undefined }), /user name/);
      await refused(hub, events, hub.login('un', { username: hub.userName('un', '?api-version=2021-04-12', 'other.azure-devices.net') }), /another hub/);
    }),
    it('a device and its module are connected at the same time (facts M-07)', async () => {
      const device = await hub.device('dev');
      const module = await hub.device('dev/mod');
      await Promise.all([device.ping(), module.ping()]);
    }),
    it('a second CONNECT of the same identity closes the first (facts M-08)', async () => {
      await hub.create('m08');
      const events = await listen();
      for (const clean of [true, false]) {
        const first = await hub.device('m08', { clean });
        const { conn } = await events.event('connected', (e) => e.device === 'm08');
        const second = await hub.device('m08', { clean });
        await first.closed();
        const gone = await events.event('disconnected', (e) => e.device === 'm08');
        assert.deepEqual([gone.reason, gone.conn], ['takeover', conn]);
        await events.event('connected', (e) => e.device === 'm08');
        await second.ping();
        await second.subscribe('$iothub/twin/res/#');
        assert.equal((await second.twinGet('after')).status, 200);
        await second.disconnect();
        await events.event('disconnected', (e) => e.device === 'm08' && e.conn !== conn);
      }
    }),
    it('a failed login does not disturb the live connection (facts M-08)', async () => {
      await hub.create('m08b');
      const live = await hub.device('m08b');
      await refused(hub, await listen(), hub.login('m08b', { password: hub.token('m08b', { se: 1 }) }), /expired/);
      await live.ping();
    }),
    it("a model id in the user name becomes the twin's modelId (facts M-09)", async () => {
      await hub.create('m09');
      await hub.device('m09', { username: hub.userName('m09', '?api-version=2021-04-12&model-id=dtmi%3Acom%3Aexample%3AThermostat%3B1') });
      assert.equal((await hub.twin('m09')).modelId, 'dtmi:com:example:Thermostat;1');
    }),
    it('a token over sr as it stands is accepted: encoded, raw, lower-case hex (facts A-01, A-02)', async () => {
      await hub.create('sr');
      const key = sas.identityKey('sr');
      const forms = [sas.scope(hub.hostname, 'sr'), `${hub.hostname}/devices/sr`, sas.scope(hub.hostname, 'sr').replace(/%2F/g, '%2f'), `${hub.hostname}%2Fdevices`, hub.hostname];
      for (const sr of forms) await (await hub.device('sr', { password: sas.token({ sr, key }) })).disconnect();
      const events = await listen();
      const altered = sas.token({ sr: forms[0], key }).replace('%2Fdevices%2F', '%2fdevices%2f');
      await refused(hub, events, hub.login('sr', { password: altered }), /signature/);
    }),
    it('the fields of a token stand in any order (facts A-03)', async () => {
      await hub.create('order');
      const [, fields] = hub.token('order').split(' ');
      for (const list of [[0, 1, 2], [2, 1, 0], [1, 0, 2]]) {
        const parts = fields.split('&');
        await (await hub.device('order', { password: `SharedAccessSignature ${list.map((i) => parts[i]).join('&')}&skn=` })).disconnect();
      }
    }),
    it("a token for dev does not let dev10 in, nor a module of it with the device's key (facts A-05, A-09)", async () => {
      const events = await listen();
      const key10 = sas.identityKey('dev10');
      await refused(hub, events, hub.login('dev10', { password: sas.token({ sr: sas.scope(hub.hostname, 'dev'), key: key10 }) }), /scope/);
      await refused(hub, events, hub.login('dev/mod', { password: hub.token('dev/mod', { key: sas.identityKey('dev') }) }), /signature/);
    }),
    it("the device policy's token connects any registered device and no other (facts A-06)", async () => {
      await hub.create('a06');
      const events = await listen();
      const password = sas.token({ sr: `${hub.hostname}%2Fdevices`, key: sas.policyKey('device'), skn: 'device' });
      await hub.device('a06', { password });
      await refused(hub, events, hub.login('a06-unknown', { password }), /no such identity/);
    }),
    it('a policy without DeviceConnect lets no device in (facts A-07)', async () => {
      await hub.create('a07');
      const password = sas.token({ sr: sas.scope(hub.hostname, 'a07'), key: sas.policyKey('service'), skn: 'service' });
      await refused(hub, await listen(), hub.login('a07', { password }), /DeviceConnect/);
    }),
    it('primary and secondary key both work; after the primary is renewed its token is refused (facts A-08)', async () => {
      await hub.create('a08');
      const primary = hub.login('a08');
      const secondary = hub.login('a08', { password: hub.token('a08', { key: sas.identityKey('a08', { which: 'secondary' }) }) });
      for (const login of [primary, secondary]) await (await hub.device('a08', login)).disconnect();
      const { authentication } = await hub.ok({ command: 'device.renew-key', deviceId: 'a08', keyType: 'primary' });
      await refused(hub, await listen(), primary, /signature/);
      await (await hub.device('a08', secondary)).disconnect();
      const renewed = Buffer.from(authentication.symmetricKey.primaryKey, 'base64');
      await hub.device('a08', { password: hub.token('a08', { key: renewed }) });
    }),
    it("a live connection past its token's end is closed within a fraction of a second (facts A-10)", async () => {
      await hub.create('a10');
      const events = await listen();
      const se = now_s() + 2;
      const c = await hub.device('a10', { password: hub.token('a10', { se }) });
      await c.closed();
      const e = await events.event('disconnected', (x) => x.device === 'a10');
      assert.equal(e.reason, 'token');
      const late_ms = Date.parse(e.time) - se * 1000;
      assert.ok(late_ms >= 0 && late_ms < 1000, `closed ${late_ms} ms after the end`);
      await hub.device('a10');
    }),
    it('ids with = \' ( % # @ work in sr raw, encoded and double-encoded (facts A-16)', async () => {
      for (const id of ["a='b", 'a(b)', 'a%b', 'a#b', 'a@b']) {
        await hub.create(id);
        const key = sas.identityKey(id);
        const raw = `${hub.hostname}/devices/${id}`;
        const twice = encodeURIComponent(`${hub.hostname}/devices/${encodeURIComponent(id)}`);
        for (const sr of [encodeURIComponent(raw), twice, ...(id.includes('%') ? [] : [raw])]) await (await hub.device(id, { password: sas.token({ sr, key }) })).disconnect();
      }
    }),
    it('a signature with raw / and + is taken as it stands (facts A-17)', async () => {
      await hub.create('a17');
      for (let se = now_s() + HOUR, found = 0; found < 3; se++) {
        const token = hub.token('a17', { se });
        const sig = decodeURIComponent(/sig=([^&]*)/.exec(token)[1]);
        if (!/[/+]/.test(sig)) continue;
        found++;
        await (await hub.device('a17', { password: token.replace(/sig=[^&]*/, `sig=${sig.replace(/=/g, '%3D')}`) })).disconnect();
      }
    }),
    it('a service client needs its kind of id, a policy, and a token of that policy', async () => {
      const events = await listen();
      const login = (policy, more) => ({ ...hub.serviceLogin(policy, more) });
      await refused(hub, events, login('iothubowner', { clientId: 'service/x' }), /service\/\/|id/);
      await refused(hub, events, login('iothubowner', { password: sas.token({ sr: hub.hostname, key: sas.policyKey('service'), skn: 'service' }) }), /another policy/);
      await refused(hub, events, login('device'), /may not/);
      await refused(hub, events, login('nosuch'), /no such policy/);
      await refused(hub, events, login('iothubowner', { password: sas.token({ sr: hub.hostname, key: sas.policyKey('iothubowner'), skn: 'iothubowner', se: 1 }) }), /expired/);
      assert.equal((await (await hub.service('service')).command({ command: 'hub.status' })).status, 200);
    }),
    it('no event ever holds a token or a key', async () => {
      const events = await listen();
      await hub.create('secrets');
      await refused(hub, events, hub.login('secrets', { password: hub.token('secrets', { se: 1 }) }), /expired/);
      const token = hub.token('secrets'), signature = /sig=([^&]+)/.exec(token)[1]; // in the wrong field, as it happens
      await refused(hub, events, hub.login('secrets', { username: token }), /user name/);
      const asId = await hub.connect(hub.login('secrets', { clientId: token }));
      assert.equal(asId.connack.code, 5);
      await events.event('refused', (e) => e.clientId === token.split(signature)[0]);
      await refused(hub, events, hub.login('secrets', { username: `HostName=x;DeviceId=secrets;SharedAccessKey=${sas.identityKey('secrets').toString('base64')}` }), /user name/);
      const device = await hub.device('secrets');
      await events.event('connected', (e) => e.device === 'secrets');
      await device.disconnect();
      await events.event('disconnected', (e) => e.device === 'secrets');
      const text = JSON.stringify(events.seen) + hub.log;
      assert.doesNotMatch(text, /sig=[^"\s]|SharedAccessKey=[^"\s]/i);
      assert.ok(!text.includes(signature));
      assert.ok(!text.includes(sas.identityKey('secrets').toString('base64')));
    }),
  ]);
});

test('the first packet decides: what is no CONNECT is closed without an answer', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev');
  for (const bytes of [Buffer.from([0xc0, 0]), Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.alloc(64, 0xff)]) {
    const c = await Client.socket(hub.login('dev'));
    hub.clients.push(c);
    c.send(bytes);
    await c.closed();
    assert.deepEqual(c.inbox, []);
  }
  await hub.device('dev');
});

test('an empty client id is CONNACK 2 (facts B-24)', async (t) => {
  const hub = await startHub(t);
  for (const clean of [false, true]) {
    const c = await hub.connect(hub.login('dev', { clientId: '', clean }));
    assert.equal(c.connack.code, 2);
  }
});

test('with a skew of 300 s a token of two minutes ago still connects (facts A-04)', async (t) => {
  const hub = await startHub(t, { plugin: { tokenSkewSeconds: 300 } });
  await hub.create('dev');
  await hub.device('dev', { password: hub.token('dev', { se: now_s() - 120 }) });
});

test('an api-version may be missing, unless the hub is told to want one', async (t) => {
  const hub = await startHub(t, { plugin: { requireApiVersion: true } });
  await hub.create('dev');
  const events = await hub.listen();
  await refused(hub, events, hub.login('dev', { username: `${hub.hostname}/dev` }), /api-version/);
  await hub.device('dev');
  const lenient = await startHub(t);
  await lenient.create('dev');
  await lenient.device('dev', { username: `${lenient.hostname}/dev` });
});
