// hub.js - a hub of its own for a test: a stock mosquitto with the plugin, and the gateway before it, in a fresh directory on a fresh loopback
// address. With {gateway: false}, or TWINSIM_GATEWAY=off for all, clients come to the broker itself.
//
//   const hub = await startHub(t);                      // stopped, checked and removed when the test ends
//   await hub.create('dev');                            // through the control topic
//   const dev = await hub.device('dev');                // over TLS, with a token of its own key
//   const events = await hub.listen();                  // the event stream
'use strict';
const assert = require('node:assert/strict');
const { execFile, execFileSync, spawn } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { promisify } = require('node:util');
const sas = require('./sas.js');
const { Client, LIMIT_MS } = require('./mqtt-wire.js');

const run = promisify(execFile);
const ROOT = path.resolve(__dirname, '../..');
const CONTROL = '$CONTROL/twinsim/v1';

/** The build under test: $TWINSIM_BIN, $TWINSIM_BUILD/bin, build-asan/bin or build/bin, whichever is there first. */
function binaries() {
  const { TWINSIM_BIN, TWINSIM_BUILD } = process.env;
  const candidates = [TWINSIM_BIN, TWINSIM_BUILD && path.join(TWINSIM_BUILD, 'bin'), path.join(ROOT, 'build-asan/bin'), path.join(ROOT, 'build/bin')];
  const bin = candidates.find((dir) => dir && fs.existsSync(path.join(dir, '../lib/twinsim_plugin.so')));
  if (!bin) throw new Error(`no twinsim_plugin.so beside any of ${candidates.filter(Boolean)}; run scripts/build`);
  return bin;
}
const plugin = () => path.resolve(binaries(), '../lib/twinsim_plugin.so');
const gateway = () => path.resolve(binaries(), '../lib/twinsim-gateway');

function broker() {
  const found = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/usr/local/sbin'].map((dir) => path.join(dir, 'mosquitto')).find((file) => fs.existsSync(file));
  if (!found) throw new Error('no mosquitto on PATH or in /usr/sbin; scripts/setup installs it');
  return found;
}

/** A sanitized plugin needs its runtime in the broker before anything else. */
function sanitizerEnvironment() {
  if (!fs.readFileSync(plugin()).includes('libasan.so')) return {};
  const library = (name) => fs.realpathSync(execFileSync('gcc', [`-print-file-name=${name}`]).toString().trim());
  return {
    LD_PRELOAD: library('libasan.so'),
    ASAN_OPTIONS: 'detect_leaks=1:exitcode=99:abort_on_error=0',
    LSAN_OPTIONS: `suppressions=${path.join(__dirname, 'lsan.supp')}:print_suppressions=0`,
    UBSAN_OPTIONS: 'print_stacktrace=1',
  };
}

/* --- certificates: one CA for this process, one server certificate for each hub --- */

let authority;
function makeAuthority() {
  authority ??= (async () => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'twinsim-ca-'));
    process.once('exit', () => fs.rmSync(dir, { recursive: true, force: true }));
    await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=twinsim tests', '-keyout', `${dir}/ca.key`, '-out', `${dir}/ca.pem`,
      '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign']);
    return { dir, pem: fs.readFileSync(`${dir}/ca.pem`) };
  })();
  return authority;
}
async function makeCertificate(dir, host) {
  const ca = await makeAuthority();
  await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', `/CN=${host}`, '-CA', `${ca.dir}/ca.pem`, '-CAkey', `${ca.dir}/ca.key`,
    '-keyout', `${dir}/server.key`, '-out', `${dir}/server.pem`, '-addext', `subjectAltName=IP:${host},DNS:localhost`, '-addext', 'basicConstraints=critical,CA:FALSE']);
  return ca;
}

/** A loopback address on which nobody has the port. */
async function freeAddress(port) {
  for (let i = 0; i < 100; i++) {
    const [a, b, c] = crypto.randomBytes(3);
    const host = `127.${1 + (a % 250)}.${b}.${1 + (c % 250)}`;
    const isFree = await new Promise((resolve) => {
      const probe = net.createServer();
      probe.once('error', () => resolve(false));
      probe.listen({ host, port }, () => probe.close(() => resolve(true)));
    });
    if (isFree) return host;
  }
  throw new Error(`no loopback address with port ${port} free`);
}

/* --- a service client --- */

class Service {
  constructor(client) {
    this.client = client;
    this.seen = []; // every event, in order
    this.correlation = 0;
  }

  /** One command; resolves to {status, body}. */
  async command(command, options) {
    return (await this.commands([command], options))[0];
  }

  /** Several commands in one message; resolves to their responses, in order. */
  async commands(commands, options) {
    const tags = commands.map(() => `c${++this.correlation}`);
    const message = { commands: commands.map((c, i) => ({ correlationData: tags[i], ...c })) };
    await this.client.publish(CONTROL, JSON.stringify(message), { qos: 1 });
    return this.responses(options);
  }

  async responses(options) {
    const p = await this.client.message(`${CONTROL}/response`, options);
    return JSON.parse(p.payload.toString()).responses;
  }

  async subscribe(filter = '$twinsim/v1/#') {
    assert.deepEqual(await this.client.subscribe(filter, 0), [0], `the hub grants ${filter}`);
  }

  /** The next event of that kind for which `fits` holds; events of other kinds are passed by. */
  async event(kind, fits = () => true, options) {
    for (;;) {
      const p = await this.client.message('$twinsim/v1/', { ...options, what: kind });
      const event = { topic: p.topic, ...JSON.parse(p.payload.toString()) };
      this.seen.push(event);
      if (event.kind === kind && fits(event)) return event;
    }
  }
}

/* --- the hub --- */

class Hub {
  constructor(options) {
    this.options = options;
    this.hostname = options.hostname ?? 'twinsim.azure-devices.test';
    this.port = 8883;
    this.hasGateway = options.gateway ?? process.env.TWINSIM_GATEWAY !== 'off';
    this.log = ''; // of both processes
    this.clients = [];
  }

  async configure() {
    this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'twinsim-hub-'));
    this.socket = path.join(this.dir, 'broker.sock');
    this.gatewaySocket = path.join(this.dir, 'gateway.sock');
    this.host = await freeAddress(this.port);
    this.ca = (await makeCertificate(this.dir, this.host)).pem;
    this.writePluginOptions();
    const tls = `cafile ${(await makeAuthority()).dir}/ca.pem\ncertfile ${this.dir}/server.pem\nkeyfile ${this.dir}/server.key\n`;
    fs.writeFileSync(path.join(this.dir, 'broker.conf'), `per_listener_settings false
allow_anonymous true
allow_zero_length_clientid false
user ${os.userInfo().username}
plugin ${plugin()}
plugin_opt_config ${this.dir}/plugin.json
${this.hasGateway ? '' : 'set_tcp_nodelay true\n'}max_packet_size ${this.options.maxPacketSize ?? 4194304}
max_queued_messages ${this.options.maxQueued ?? 4000}
max_inflight_messages ${this.options.maxInFlight ?? 4000}
persistence true
persistence_location ${this.dir}/
persistence_file mosquitto.db
autosave_interval 300
persistent_client_expiration 14d
sys_interval 0
connection_messages false
log_dest stderr
log_type error
log_type warning
log_type notice
log_type information
${this.options.logRequests ? 'log_type debug\n' : ''}listener 0 ${this.socket}
max_qos 1
listener 0 ${this.gatewaySocket}
max_qos 1
${this.hasGateway ? '' : `listener ${this.port} ${this.host}\nmax_qos 1\n${tls}`}`);
  }

  writePluginOptions() {
    fs.writeFileSync(path.join(this.dir, 'plugin.json'), JSON.stringify({ dataDir: this.dir, hosts: [this.hostname, this.host, 'localhost'], keySeed: sas.SEED, gatewaySocket: this.gatewaySocket, ...this.options.plugin }), { mode: 0o600 });
  }

  /** Resolves when the hub takes connections; rejects with its log when it ends instead. */
  async start() {
    await this.startBroker();
    if (this.hasGateway) await this.startGateway();
    return this;
  }

  startGateway() {
    const args = ['--listen', `${this.host}:${this.port}`, '--broker', this.gatewaySocket, '--cert', `${this.dir}/server.pem`, '--key', `${this.dir}/server.key`,
      ...(this.options.maxPacketSize ? ['--max-packet', String(this.options.maxPacketSize)] : []), '--broker-wait', '3', '--ready-fd', '3', ...(this.options.gatewayArgs ?? [])];
    const p = spawn(gateway(), args, { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
    this.gateway = p;
    p.ended = new Promise((resolve) => p.once('close', (code, signal) => resolve(signal ?? code)));
    p.stderr.on('data', (chunk) => (this.log += chunk));
    return new Promise((resolve, reject) => {
      p.stdio[3].once('data', resolve);
      p.ended.then((status) => reject(new Error(`the gateway ended with ${status}:\n${this.log}`)));
    });
  }

  /** Behind the broker, as `twinsim down` does it. */
  async stopGateway() {
    if (!this.gateway) return;
    this.gateway.kill('SIGTERM');
    assert.equal(await this.gateway.ended, 0, `the gateway ends cleanly; the log:\n${this.log}`);
    this.gateway = undefined;
  }

  startBroker() {
    const env = { ...process.env, ...sanitizerEnvironment() };
    const from = this.log.length;
    const command = [broker(), '-c', path.join(this.dir, 'broker.conf')];
    // A disk that is full after so many KB, for this process alone: writes beyond fail instead of killing it.
    if (this.options.fileLimitKb) command.unshift('sh', '-c', `trap '' XFSZ; ulimit -f ${this.options.fileLimitKb * 2}; exec "$0" "$@"`);
    this.process = spawn(command[0], command.slice(1), { env, stdio: ['ignore', 'ignore', 'pipe'] });
    this.ended = new Promise((resolve) => this.process.once('close', (code, signal) => resolve({ code, signal })));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`the hub was not ready within ${LIMIT_MS} ms:\n${this.log}`)), LIMIT_MS);
      this.process.stderr.on('data', (chunk) => {
        this.log += chunk;
        if (/mosquitto version \S+ running/.test(this.log.slice(from))) {
          clearTimeout(timer);
          resolve(this);
        }
      });
      this.ended.then(({ code, signal }) => {
        clearTimeout(timer);
        reject(new Error(`the hub ended with ${signal ?? code}:\n${this.log.slice(from)}`));
      });
    });
  }

  /** Stop as `twinsim down` does; the exit must be clean, a sanitizer silent. */
  async stop() {
    this.process.kill('SIGTERM');
    const { code, signal } = await this.ended;
    await this.stopGateway();
    assert.equal(signal ?? code, 0, `the hub ends cleanly; its log:\n${this.log}`);
    this.service_ = undefined;
  }

  /** kill -9. */
  async kill() {
    this.process.kill('SIGKILL');
    this.gateway?.kill('SIGKILL');
    await Promise.all([this.ended, this.gateway?.ended]);
    this.gateway = undefined;
    this.service_ = undefined;
  }

  /** The broker stands still, and finds all that was sent meanwhile at once when it goes on. */
  async pause() {
    const state = () => /\) (.)/.exec(fs.readFileSync(`/proc/${this.process.pid}/stat`, 'latin1'))[1];
    this.process.kill('SIGSTOP');
    while (state() !== 'T') await new Promise(setImmediate);
  }

  resume() {
    this.process.kill('SIGCONT');
  }

  async restart() {
    if (this.process.exitCode === null && this.process.signalCode === null) await this.stop();
    await this.start();
  }

  /** Make the broker read its configuration again; resolves when it has. */
  async reload() {
    const from = this.log.length;
    this.process.kill('SIGHUP');
    await this.logged(/Reloading config/, from);
    await this.command({ command: 'hub.status' }); // a turn later
  }

  /** Wait until the log, from that position on, matches. */
  logged(pattern, from = 0) {
    return new Promise((resolve, reject) => {
      const stream = this.process.stderr;
      const look = () => {
        const found = pattern.exec(this.log.slice(from));
        if (found) done(resolve, found);
      };
      const done = (f, value) => {
        clearTimeout(timer);
        stream.off('data', look);
        f(value);
      };
      const timer = setTimeout(() => done(reject, new Error(`the log did not show ${pattern}:\n${this.log.slice(from)}`)), LIMIT_MS);
      stream.on('data', look);
      look();
    });
  }

  async cleanup() {
    for (const c of this.clients) c.stream.destroy();
    try {
      if (this.process?.exitCode === null && this.process.signalCode === null) await this.stop();
      assert.doesNotMatch(this.log, /AddressSanitizer|LeakSanitizer|runtime error/, 'no sanitizer has anything to say');
    } finally {
      if (this.process?.exitCode === null && this.process.signalCode === null) this.process.kill('SIGKILL');
      this.gateway?.kill('SIGKILL');
      if (!process.env.TWINSIM_KEEP) fs.rmSync(this.dir, { recursive: true, force: true });
    }
  }

  /* --- clients --- */

  userName(id, query = '?api-version=2021-04-12', host = this.hostname) {
    return `${host}/${id}/${query}`;
  }

  token(id, { key = sas.identityKey(id), host = this.hostname, ...rest } = {}) {
    return sas.token({ sr: sas.scope(host, id), key, ...rest });
  }

  /** CONNECT options of a device or module that does everything right; `more` overrides. */
  login(id, more = {}) {
    return { host: this.host, port: this.port, ca: this.ca, clientId: id, username: this.userName(id), password: this.token(id), ...more };
  }

  /** Connect, whatever the answer is. */
  async connect(options) {
    const c = await Client.connect(options);
    this.clients.push(c);
    return c;
  }

  /** A connected device or module. */
  async device(id, more) {
    const c = await this.connect(this.login(id, more));
    assert.deepEqual(c.connack?.code, 0, `${id} is accepted; the log says:\n${this.log}`);
    return c;
  }

  serviceLogin(policy = 'iothubowner', more = {}) {
    const key = sas.policyKey(policy);
    return { path: this.socket, clientId: `service//${crypto.randomUUID()}`, username: `${policy}@sas.root.twinsim`, password: sas.token({ sr: this.hostname, key, skn: policy }), ...more };
  }

  /** A new service client, over the Unix socket unless told otherwise. */
  async service(policy, more) {
    const c = await this.connect(this.serviceLogin(policy, more));
    assert.equal(c.connack?.code, 0, `the service client is accepted; the log says:\n${this.log}`);
    return new Service(c);
  }

  /** One command of the hub's own service client; resolves to {status, body}. */
  async command(command) {
    this.service_ ??= this.service();
    return (await this.service_).command(command);
  }

  /** A command that must succeed; resolves to its body. */
  async ok(command) {
    const response = await this.command(command);
    assert.equal(response.status, 200, `${command.command} succeeds: ${JSON.stringify(response.body)}`);
    return response.body;
  }

  /** Create a device, or a module and its device. */
  async create(id, more = {}) {
    const [deviceId, moduleId] = id.split('/');
    if (!moduleId) return this.ok({ command: 'device.create', deviceId, ...more });
    await this.command({ command: 'device.create', deviceId }); // may be there
    return this.ok({ command: 'module.create', deviceId, moduleId, ...more });
  }

  /** The service's view of a twin. */
  twin(id) {
    const [deviceId, moduleId] = id.split('/');
    return this.ok({ command: 'twin.show', deviceId, ...(moduleId && { moduleId }) });
  }

  /** Change desired properties (or tags) as the service does; resolves to the twin. */
  update(id, patch, more = {}) {
    const [deviceId, moduleId] = id.split('/');
    return this.ok({ command: 'twin.update', deviceId, ...(moduleId && { moduleId }), patch, ...more });
  }
  desired(id, desired) {
    return this.update(id, { properties: { desired } });
  }

  /** A service client that listens to every event from now on. */
  async listen(filter) {
    const s = await this.service();
    await s.subscribe(filter);
    return s;
  }
}

/** Start a hub for a test. options: {hostname, logRequests, maxQueued, plugin: {durability, ...}} */
async function startHub(t, options = {}) {
  const hub = new Hub(options);
  t.after(() => hub.cleanup());
  await hub.configure();
  await hub.start();
  return hub;
}

/** A hub that is configured but not started. */
async function prepareHub(t, options = {}) {
  const hub = new Hub(options);
  t.after(() => hub.cleanup());
  await hub.configure();
  return hub;
}

module.exports = { startHub, prepareHub, CONTROL, sas, Client, binaries, freeAddress, makeCertificate, sanitizerEnvironment };
