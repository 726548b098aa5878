// sdk.js - the official SDK's clients, opened against a hub of the test's own. The SDK is used as it comes from npm.
'use strict';
const assert = require('node:assert/strict');
const { Client, ModuleClient } = require('azure-iot-device');
const { Mqtt } = require('azure-iot-device-mqtt');
const support = require('../../support/hub.js');

const { sas } = support;

const LIMIT_MS = 20000;

/** The promise's value, or an error that says what did not happen. */
function within(promise, what, limit = LIMIT_MS) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${limit} ms`)), limit);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** A hub of the test's own. Hooks run in the order they were given: clients are closed while their hub still answers. */
async function startHub(t, options) {
  const clients = [];
  t.after(() => Promise.all(clients.map((c) => within(new Promise((resolve) => c.close(resolve)), 'the client closes', 5000))));
  const hub = await support.startHub(t, options);
  hub.sdkClients = clients;
  return hub;
}

function connectionString(hub, id, { key, host = hub.host, gateway, turn = 0, which = 'primary' } = {}) {
  const [device, module] = id.split('/');
  return [
    `HostName=${host}`, `DeviceId=${device}`, module && `ModuleId=${module}`,
    `SharedAccessKey=${(key ?? sas.identityKey(id, { turn, which })).toString('base64')}`, gateway && `GatewayHostName=${gateway}`,
  ].filter(Boolean).join(';');
}

/** A client of the SDK, not yet opened; closed when the test ends. */
async function client(hub, id, { options, ...rest } = {}) {
  const kind = id.includes('/') ? ModuleClient : Client;
  return settle(hub, kind.fromConnectionString(connectionString(hub, id, rest), Mqtt), options);
}

async function settle(hub, c, options) {
  hub.sdkClients.push(c);
  c.on('error', () => {}); // a lost connection is the SDK's to mend; tests that care ask for it
  await c.setOptions({ ca: hub.ca.toString(), ...options });
  return c;
}

/** Created in the hub, opened, its twin at hand. */
async function open(hub, id, options = {}) {
  if (!options.exists) await hub.create(id, options.create);
  const c = await client(hub, id, options);
  await within(c.open(), `${id} opens`);
  return c;
}

const twinOf = (c) => within(c.getTwin(), 'the twin arrives');
/** Report; resolves when the hub acknowledged, rejects with what the SDK says. */
const report = (twin, patch) => within(new Promise((resolve, reject) => twin.properties.reported.update(patch, (e) => (e ? reject(e) : resolve()))), 'the report is answered');
/** The next desired patch above `version`: to every new listener the SDK first tells what it holds already. */
function nextDesired(twin, { path = 'properties.desired', above = twin.properties.desired.$version } = {}) {
  return desiredWhere(twin, () => twin.properties.desired.$version > above, `a notification on ${path}`, path);
}
/** The next desired patch for which `fits` holds. */
function desiredWhere(twin, fits, what, path = 'properties.desired') {
  return within(new Promise((resolve) => {
    twin.on(path, function listener(delta) {
      if (!fits(delta)) return;
      twin.removeListener(path, listener);
      resolve(delta);
    });
  }), what);
}
/** A twin that listens: the SDK has subscribed when the hub says so. */
async function listeningTwin(hub, c, events) {
  const twin = await twinOf(c);
  twin.on('properties.desired', () => {});
  await within(events.event('subscribed', (e) => e.filter.includes('desired')), 'the SDK subscribes');
  return twin;
}

/** A value without what the SDK adds to its twin's sections. */
const plain = (section) => JSON.parse(JSON.stringify(section, (key, value) => (key === 'update' || typeof value === 'function' ? undefined : value)));

module.exports = { assert, client, connectionString, desiredWhere, listeningTwin, nextDesired, open, plain, report, sas, settle, startHub, twinOf, within, LIMIT_MS };
