// case.js - what a case has at hand: identities of its own on a hub, the service's side of that hub, and clients of the SDK.
//
//   const c = await x.open();                       // x.id is made in the hub, and a client of it is connected
//   await x.desired({ a: 1 });                      // the service
//   await c.change((patch) => patch.a === 1);       // what the SDK told
//   await x.event('reported', (e) => e.status === 204);
'use strict';
const assert = require('node:assert/strict');
const { up } = require('../../support/twinsim.js');
const sas = require('../../support/sas.js');
const { Mailbox } = require('./mailbox.js');
const { SdkClient, SdkError } = require('./driver.js');
const { Service } = require('./service.js');

/** A hub as `twinsim up` starts it, with the service's client on it. */
class Hub {
  static async start(t, args = []) {
    const hub = new Hub();
    t.after(() => hub.service.close());
    hub.args = ['--quiet', ...args];
    hub.running = await up(t, { args: hub.args });
    await hub.attach();
    return hub;
  }

  async attach() {
    this.file = this.running.file();
    this.host = this.file.host;
    this.hostname = this.file.hostname;
    this.ca = this.file.caFile;
    this.service = await Service.connect(this.file, this.service?.mailboxes);
  }

  async stop() {
    assert.equal((await this.running.stop()).code, 0, 'the hub ends cleanly');
  }

  async start() {
    await this.running.start(...this.args);
    await this.attach();
  }

  async restart() {
    await this.stop();
    await this.start();
  }

  /** kill -9 of the broker, and a new start on what is left. */
  async kill() {
    process.kill(this.file.brokerPid, 'SIGKILL');
    await this.running.up.ended;
    await this.start();
  }
}

const members = (id) => {
  const [deviceId, moduleId] = id.split('/');
  return { deviceId, ...(moduleId && { moduleId }) };
};

class Case {
  constructor({ hub, driver, entry, kind, t }) {
    Object.assign(this, { hub, driver, entry, kind, t });
    this.clients = [];
    this.device = `${entry.id}-${kind}`;
    this.id = this.named(this.device);
    this.isModule = kind === 'module';
  }

  /** An identity of the kind that this case is about, with that device id. */
  named(device) {
    return this.kind === 'module' ? `${device}/mod` : device;
  }

  mail(id) {
    const [device] = id.split('/');
    const { mailboxes } = this.hub.service;
    if (!mailboxes.has(device)) mailboxes.set(device, new Mailbox(`the hub about ${device}`));
    return mailboxes.get(device);
  }

  /** The next event of that kind about the identity (this case's own unless told) for which `fits` holds. */
  event(kind, fits = () => true, { of = this.id } = {}) {
    return this.mail(of).next((e) => e.kind === kind && this.concerns(e, of) && fits(e), `${kind} event`);
  }

  /** Events of that kind that came and nobody took. */
  untaken(kind, of = this.id) {
    return this.mail(of).items.filter((e) => e.kind === kind && this.concerns(e, of));
  }

  concerns(e, id) {
    return (e.device ? [e.device, e.module].filter((part) => part !== undefined).join('/') : e.clientId) === id;
  }

  /* --- the service --- */

  async commands(list) {
    return this.hub.service.commands(list);
  }
  async command(command) {
    return (await this.commands([command]))[0];
  }
  /** A command that must succeed; resolves to its body. */
  async ok(command) {
    const { status, body } = await this.command(command);
    assert.equal(status, 200, `${command.command} succeeds: ${JSON.stringify(body)}`);
    return body;
  }

  /** Make an identity (and its device); more: status, twin. */
  async create(id = this.id, more = {}) {
    this.mail(id);
    const { deviceId, moduleId } = members(id);
    if (!moduleId) return this.ok({ command: 'device.create', deviceId, ...more });
    await this.command({ command: 'device.create', deviceId }); // may be there
    return this.ok({ command: 'module.create', deviceId, moduleId, ...more });
  }
  remove(id = this.id) {
    return this.ok({ command: id.includes('/') ? 'module.delete' : 'device.delete', ...members(id) });
  }
  status(status) {
    return this.ok({ command: 'device.update', deviceId: this.device, status });
  }
  twin(id = this.id) {
    return this.ok({ command: 'twin.show', ...members(id) });
  }
  async reported(id) {
    const { $metadata, ...reported } = (await this.twin(id)).properties.reported;
    return reported;
  }
  update(patch, { id = this.id, ...more } = {}) {
    return this.ok({ command: 'twin.update', ...members(id), patch, ...more });
  }
  desired(desired, id) {
    return this.update({ properties: { desired } }, { id });
  }
  replace(desired) {
    return this.ok({ command: 'twin.replace', ...members(this.id), twin: { properties: { desired } } });
  }
  /** Call a method; resolves to {status, body} of the command. */
  call(methodName, more = {}, id = this.id) {
    return this.command({ command: 'method.invoke', ...members(id), methodName, ...more });
  }
  async answerOf(methodName, payload, id) {
    const { status, body } = await this.call(methodName, { payload }, id);
    assert.equal(status, 200, `${methodName} is answered: ${JSON.stringify(body)}`);
    return body;
  }
  fault(type, more = {}) {
    return this.ok({ command: 'fault.add', type, on: this.id, ...more });
  }
  clearFault({ id }) {
    return this.ok({ command: 'fault.clear', id });
  }

  /* --- clients of the SDK --- */

  key(id = this.id, more) {
    return sas.identityKey(id, more);
  }
  connectionString({ id = this.id, key = this.key(id), host = this.hub.host, gateway } = {}) {
    const { deviceId, moduleId } = members(id);
    return [`HostName=${host}`, `DeviceId=${deviceId}`, moduleId && `ModuleId=${moduleId}`, `SharedAccessKey=${key.toString('base64')}`, gateway && `GatewayHostName=${gateway}`].filter(Boolean).join(';');
  }
  token({ id = this.id, of = id, key = this.key(id), ...rest } = {}) {
    return sas.token({ sr: sas.scope(this.hub.host, of), key, ...rest });
  }

  /** A client of the SDK, connected. options: id, key, host, gateway (for the connection string); sas; what `connect` takes. */
  async connect({ id = this.id, key, host, gateway, sas: token, ca = this.hub.ca, ...options } = {}) {
    this.mail(id);
    const { deviceId, moduleId } = members(id);
    const client = new SdkClient(this, id, `${id}#${this.clients.length + 1}`);
    this.clients.push(client);
    const login = token ? { sas: token, host: this.hub.host, device: deviceId, module: moduleId } : { connectionString: this.connectionString({ id, key, host, gateway }) };
    const told = await client.request('connect', { ca, ...login, ...options });
    client.sessionPresent = told?.sessionPresent;
    return client;
  }

  /** The same, of an identity that is made first; create: members for its creation. */
  async open({ create, ...options } = {}) {
    await this.create(options.id, create);
    return this.connect(options);
  }

  /** The promise fails, in one of those ways, or the SDK does not tell in which; resolves to the error. */
  async fails(promise, ...kinds) {
    const error = await promise.then((value) => assert.fail(`it succeeded, with ${JSON.stringify(value)}`), (e) => e);
    if (!(error instanceof SdkError)) throw error;
    assert.ok([...kinds, 'unknown'].includes(error.kind), `${error.message}: is ${kinds.join(' or ')}`);
    return error;
  }

  async end() {
    await Promise.all(this.clients.map((c) => this.driver.clients.has(c.name) && c.disconnect()));
  }
}

module.exports = { Case, Hub, assert, members, sas };
