// cli-up.test.js - a hub's life under `twinsim up`: how it starts, what keeps it from starting, how it ends.
'use strict';
const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { test } = require('node:test');
const { Client, binaries, freeAddress } = require('../support/hub.js');
const { Hub, Running, environment, place, temporary, twinsim, up } = require('../support/twinsim.js');

/** Whoever has ended and is not yet collected by its new parent counts as gone. */
const isAlive = (pid) => {
  try {
    return !/^State:\s+Z/m.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

/** Resolves once that process is gone. */
async function gone(pid, limitMs = 10000) {
  const end = Date.now() + limitMs;
  while (isAlive(pid)) {
    assert.ok(Date.now() < end, `process ${pid} ends`);
    await new Promise(setImmediate);
  }
}

test('up prints one ready line, then a line an event, and ends with 0 on Ctrl-C; hub.json is there just so long', async (t) => {
  const hub = await up(t);
  const file = hub.file();
  assert.equal(hub.ready[0], `ready mqtts=${hub.host}:8883 hostname=twinsim.azure-devices.test ca=${file.caFile} data=${hub.data}\n`);
  assert.deepEqual(file.ports, { mqtts: 8883, mqtt: null, https: null });
  assert.deepEqual([file.pid, file.hostname, file.host, file.durability], [hub.up.process.pid, 'twinsim.azure-devices.test', hub.host, 'process']);
  assert.match(file.serviceConnectionString, new RegExp(`^HostName=${hub.host};SharedAccessKeyName=iothubowner;SharedAccessKey=[A-Za-z0-9+/]+=*$`));
  assert.equal(fs.statSync(path.join(hub.data, 'hub.json')).mode & 0o777, 0o600);
  await hub.ok('device', 'create', 'd');
  await hub.up.shows(/ d +created +status=enabled auth=sas\n/);
  const { code, stdout, stderr } = await hub.stop();
  assert.deepEqual([code, stderr], [0, '']);
  assert.equal(stdout.split('\n').filter((line) => line.startsWith('ready ')).length, 1);
  assert.ok(!fs.existsSync(path.join(hub.data, 'hub.json')));
  assert.ok(!isAlive(file.brokerPid) && !isAlive(file.gatewayPid), 'broker and gateway ended with it');
});

test('without the gateway the broker itself takes the clients', async (t) => {
  const hub = await up(t, { args: ['--gateway', 'off', '--quiet'] });
  assert.equal(hub.file().gatewayPid, null);
  assert.deepEqual(await hub.json('health'), { healthy: true, broker: 'ok', plugin: 'ok', store: 'ok', gateway: 'off' });
  assert.equal((await hub.json('status')).gatewayPid, null);
  const socket = net.connect({ host: hub.host, port: 8883 });
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  socket.destroy();
});

test('with --json every line is an object, from ready on', async (t) => {
  const hub = await up(t, { args: ['--json'] });
  await hub.ok('device', 'create', 'd');
  await hub.up.shows(/"kind":"created"/);
  const { stdout } = await hub.stop();
  const lines = stdout.trim().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(lines[0].ready, { mqtts: `${hub.host}:8883`, hostname: 'twinsim.azure-devices.test', ca: lines[0].ready.ca, data: hub.data });
  assert.ok(lines.slice(1).every((e) => typeof e.kind === 'string'));
});

test('a second up on the same directory is refused and names the first, which goes on', async (t) => {
  const hub = await up(t);
  const second = await hub.run('up', '--host', await freeAddress(8883));
  assert.equal(second.code, 4);
  assert.match(second.stderr, new RegExp(`^twinsim: another hub \\(pid ${hub.up.process.pid}\\) uses the data directory ${hub.data}; stop it with: twinsim down`));
  assert.equal((await hub.json('health')).healthy, true);
});

test('an address that is taken is told with the name of who has it, before anything starts', async (t) => {
  const host = await freeAddress(8883);
  const server = net.createServer().listen({ host, port: 8883 });
  t.after(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const hub = new Hub(path.join(temporary(t), 'data'), host);
  const { code, stderr } = await hub.run('up', '--host', host);
  assert.equal(code, 4);
  assert.match(stderr, new RegExp(`^twinsim: ${host}:8883 is taken by pid ${process.pid} \\(\\S+\\); stop it, or give another address`));
});

test('addresses, names and keys that would open the hub to others are refused with what to do', async (t) => {
  const hub = new Hub(path.join(temporary(t), 'data'), '127.0.0.1');
  const rows = [
    [['--host', '0.0.0.0'], /0\.0\.0\.0 is no loopback address.*--allow-remote --keys fresh/],
    [['--host', '0.0.0.0', '--allow-remote'], /--allow-remote needs --keys fresh/],
    [['--host', 'localhost'], /'localhost' is no IPv4 address; give one such as 127\.0\.0\.9/],
    [['--hostname', 'a..b'], /no DNS name/],
    [['--hostname', 'a.test,IP:8.8.8.8'], /no DNS name/],
  ];
  for (const [args, expected] of rows) {
    const { code, stderr } = await hub.run('up', ...args);
    assert.deepEqual([code, expected.test(stderr)], [2, true], `${args.join(' ')}: ${stderr}`);
    assert.equal(fs.existsSync(hub.data), false, 'nothing is made: a directory would keep its well-known keys');
  }
});

test('a directory made with well-known keys stays behind the loopback', async (t) => {
  const hub = await up(t, { args: ['--quiet'] });
  await hub.stop();
  for (const [keys, exit, expected] of [[['--keys', 'fresh'], 4, /was made with well-known keys and keeps them/], [[], 4, /--allow-remote needs --keys fresh/]]) {
    const { code, stderr } = await hub.run('up', '--host', '203.0.113.9', '--allow-remote', ...keys);
    assert.deepEqual([code, expected.test(stderr)], [exit, true], stderr);
  }
});

test('fresh keys are random and stay with their directory', async (t) => {
  const hub = await up(t, { args: ['--keys', 'fresh', '--quiet'] });
  await hub.ok('device', 'create', 'd');
  const key = await hub.ok('connection-string', 'd');
  assert.match(fs.readFileSync(path.join(hub.data, 'keys.seed'), 'utf8'), /^[0-9a-f]{64}$/);
  await hub.stop();
  const { code, stderr } = await hub.run('up', '--host', hub.host, '--keys', 'well-known');
  assert.equal(code, 4);
  assert.match(stderr, /was made with fresh keys and keeps them; leave --keys away/);
  await hub.start('--quiet');
  assert.equal(await hub.ok('connection-string', 'd'), key);
  const other = await up(t, { args: ['--keys', 'fresh', '--quiet'] });
  await other.ok('device', 'create', 'd');
  assert.notEqual((await other.ok('connection-string', 'd')).split(';')[2], key.split(';')[2]);
});

test('a directory that holds other files is refused and left as it is', async (t) => {
  const dir = temporary(t);
  fs.writeFileSync(path.join(dir, 'thesis.txt'), 'years of work');
  fs.chmodSync(dir, 0o755);
  const { code, stderr } = await twinsim('up', '--data', dir, '--host', await freeAddress(8883));
  assert.equal(code, 4);
  assert.match(stderr, /holds other files; give an empty or new one with --data/);
  assert.deepEqual(fs.readdirSync(dir), ['thesis.txt']);
  assert.equal(fs.statSync(dir).mode & 0o777, 0o755);
});

test('a damaged or foreign database stops the start with 4 and a reason, and is left as it is', async (t) => {
  const hub = await up(t, { args: ['--quiet'] });
  await hub.stop();
  const db = path.join(hub.data, 'twinsim.db');
  fs.writeFileSync(db, 'this is no database, but somebody\'s letter'.repeat(500));
  const before = fs.readFileSync(db);
  const { code, stderr } = await hub.run('up', '--host', hub.host);
  assert.equal(code, 4);
  assert.match(stderr, /twinsim\.db/);
  assert.ok(fs.readFileSync(db).equals(before));
  assert.ok(!fs.existsSync(path.join(hub.data, 'hub.json')));
});

test('a mosquitto that dies ends up with 4 and its last words', async (t) => {
  const hub = await up(t, { args: ['--quiet'] });
  process.kill(hub.file().brokerPid, 'SIGKILL');
  const { code, stderr } = await hub.up.ended;
  assert.equal(code, 4);
  assert.match(stderr, /^twinsim: mosquitto has ended on its own \(signal 9, Killed\); the end of .*broker\.log:\n/);
  assert.ok(!fs.existsSync(path.join(hub.data, 'hub.json')));
  await hub.start('--quiet');
  assert.equal((await hub.json('health')).healthy, true, 'and it starts again');
});

test('a gateway that dies ends up with 4, and the broker with it', async (t) => {
  const hub = await up(t, { args: ['--quiet'] });
  const { brokerPid, gatewayPid } = hub.file();
  process.kill(gatewayPid, 'SIGKILL');
  const { code, stderr } = await hub.up.ended;
  assert.equal(code, 4);
  assert.match(stderr, /^twinsim: twinsim-gateway has ended on its own \(signal 9, Killed\); the end of .*gateway\.log:\n/);
  assert.ok(!isAlive(brokerPid), 'half a hub is none');
  assert.ok(!fs.existsSync(path.join(hub.data, 'hub.json')));
  await hub.start('--quiet');
  assert.equal((await hub.json('health')).healthy, true, 'and it starts again');
});

test('an up that is killed takes its broker along, is not mistaken for a running hub, and starts again at once', async (t) => {
  const hub = await up(t);
  await hub.ok('device', 'create', 'd');
  const { brokerPid, gatewayPid } = hub.file();
  hub.up.process.kill('SIGKILL');
  await hub.up.ended;
  const status = await hub.run('status');
  assert.equal(status.code, 4);
  assert.match(status.stderr, /is gone \(pid \d+ ended without saying so\); start it again/);
  await hub.start('--quiet');
  assert.ok(!isAlive(brokerPid) && !isAlive(gatewayPid), 'the old ones have ended: they held the lock');
  assert.equal((await hub.json('device', 'list')).length, 1);
  hub.checkLog();
});

test('up ends at once on SIGTERM although nobody reads what it prints', async (t) => {
  const hub = await place(t);
  const child = spawn(path.join(binaries(), 'twinsim'), ['up', '--data', hub.data, '--host', hub.host], { env: environment(), stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('close', (code) => resolve(code)));
  await new Promise((resolve) => child.stdout.once('readable', resolve));
  child.stdout.read(); // the ready line; from here on nothing is read, and the pipe fills
  const ids = Array.from({ length: 3000 }, (_, i) => ({ deviceId: `a-device-with-a-rather-long-name-${i}` }));
  const seeds = path.join(temporary(t), 'seeds.json');
  fs.writeFileSync(seeds, JSON.stringify(ids));
  await hub.ok('import', seeds);
  child.kill('SIGTERM');
  child.stdout.resume();
  assert.equal(await ended, 0);
});

test('up goes on when its standard output is closed', async (t) => {
  const hub = await up(t);
  hub.up.process.stdout.destroy();
  await hub.ok('device', 'create', 'd');
  assert.equal((await hub.json('health')).healthy, true);
});

test('a detached hub that cannot start says why in the foreground', async (t) => {
  const hub = await up(t, { args: ['--quiet'] });
  const { code, stdout, stderr } = await hub.run('up', '--host', hub.host, '--detach');
  assert.deepEqual([code, stdout], [4, '']);
  assert.match(stderr, /^twinsim: another hub/);
});

test('a detached hub outlives its caller\'s terminal and says in up.log what happened to it', async (t) => {
  const hub = await place(t);
  assert.equal((await hub.run('up', '--host', hub.host, '--detach')).code, 0);
  const { pid, brokerPid } = hub.file();
  process.kill(brokerPid, 'SIGKILL');
  await gone(pid);
  assert.match(fs.readFileSync(path.join(hub.data, 'up.log'), 'utf8'), /mosquitto has ended on its own/);
  const asked = await hub.run('status');
  assert.deepEqual([asked.code, asked.stderr], [4,
    `twinsim: no hub runs on ${hub.data}; why the last one ended stands in ${hub.data}/up.log; start one with: twinsim up --data ${hub.data}\n`]);
});

test('what a detached hub said of its end is not told of the next hub', async (t) => {
  const hub = await place(t);
  const first = await up(t, { data: hub.data });
  await first.stop();
  fs.writeFileSync(path.join(hub.data, 'up.log'), 'twinsim: mosquitto has ended on its own\n');
  const next = await up(t, { data: hub.data });
  await next.stop();
  assert.equal((await hub.run('status')).stderr, `twinsim: no hub runs on ${hub.data}; start one with: twinsim up --data ${hub.data}\n`);
});

test('directories with blanks, quotes, umlauts and more than a socket path may have are fine (facts B-44)', async (t) => {
  const names = ["a b'c\"d ü $x", 'long/'.repeat(5) + 'n'.repeat(120)];
  for (const name of names) {
    const hub = await up(t, { data: path.join(temporary(t), name), args: ['--quiet'] });
    await hub.ok('device', 'create', 'd');
    const { socket } = hub.file();
    assert.ok(Buffer.byteLength(socket) <= 107, socket);
    await hub.stop();
    assert.ok(!fs.existsSync(socket), 'no socket stays behind');
    if (!socket.startsWith(hub.data)) assert.ok(!fs.existsSync(path.dirname(socket)), 'nor its directory');
  }
});

test('paths that cannot stand in a configuration are refused', async (t) => {
  const dir = temporary(t);
  for (const name of ['new\nline', 'tab\there']) {
    const { code, stderr } = await twinsim('up', '--data', path.join(dir, name), '--host', await freeAddress(8883));
    assert.deepEqual([code, /control character/.test(stderr)], [4, true], stderr);
  }
});

test('without a home and without --data the message says what to give', async () => {
  const { code, stderr } = await twinsim('status', { env: { TWINSIM_DATA: '', XDG_DATA_HOME: '', HOME: 'relative' } });
  assert.ok([2, 4].includes(code));
  assert.match(stderr, /^twinsim: .*(--data|no hub runs on)/);
});

test('the directory is found by --data, $TWINSIM_DATA, $XDG_DATA_HOME, in this order', async (t) => {
  const hub = await up(t, { args: ['--quiet'] });
  const elsewhere = temporary(t);
  const find = async (env, ...args) => (await twinsim('status', ...args, { env })).stderr;
  assert.match(await find({ TWINSIM_DATA: elsewhere }), new RegExp(`no hub runs on ${elsewhere};`));
  assert.match(await find({ XDG_DATA_HOME: elsewhere }), new RegExp(`no hub runs on ${elsewhere}/twinsim;`));
  assert.equal(await find({ TWINSIM_DATA: elsewhere }, '--data', hub.data), '');
  assert.equal((await twinsim('status', { env: { TWINSIM_DATA: hub.data } })).code, 0);
});

test('fault messages of the SDKs are honoured when up is told so, and not otherwise (facts C-22)', async (t) => {
  for (const [args, heard, acknowledged] of [[[], true, true], [['--fault-messages'], false, true], [['--fault-messages-unanswered'], false, false]]) {
    const hub = await up(t, { args });
    await hub.ok('device', 'create', 'd');
    const device = await Client.connect({
      host: hub.host, port: 8883, ca: fs.readFileSync(hub.file().caFile), clientId: 'd', username: `${hub.host}/d/?api-version=2021-04-12`,
      password: (await hub.ok('sas-token', 'd')).trim(),
    });
    const sent = device.publish('devices/d/messages/events/AzIoTHub_FaultOperationType=KillTcp', 'x', { qos: 1 });
    if (acknowledged) await sent;
    else await assert.rejects(sent, /closed/);
    await hub.up.shows(heard ? / d +telemetry / : / d +fault .*type=disconnect .*sdk=true/);
    await device.drop();
    await hub.stop();
  }
});

for (const gateway of ['on', 'off']) test(`with the gateway ${gateway} the hub listens on its own address and port alone (facts B-10)`, async (t) => {
  const hub = await up(t, { args: ['--gateway', gateway, '--quiet'] });
  const { brokerPid, gatewayPid } = hub.file();
  const mine = new Set([brokerPid, gatewayPid].filter(Boolean).flatMap((pid) => fs.readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try { return fs.readlinkSync(`/proc/${pid}/fd/${fd}`); } catch { return ''; } // closed meanwhile
  })));
  const listening = ['tcp', 'tcp6'].flatMap((table) => fs.readFileSync(`/proc/net/${table}`, 'utf8').split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter((row) => row[3] === '0A' && mine.has(`socket:[${row[9]}]`))
    .map((row) => row[1].match(/../g).slice(0, 4).reverse().map((byte) => parseInt(byte, 16)).join('.') + `:${parseInt(row[1].split(':')[1], 16)}`);
  assert.deepEqual(listening, [`${hub.host}:8883`]);
});

test('a plain listener is there when it is asked for', async (t) => {
  const hub = await up(t, { args: ['--mqtt-port', '1883', '--quiet'] });
  assert.equal(hub.file().ports.mqtt, 1883);
  const socket = net.connect({ host: hub.host, port: 1883 });
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  socket.destroy();
});

test('six hubs start side by side on one new CA', async (t) => {
  const data = temporary(t);
  const hubs = [];
  for (let i = 0; i < 6; i++) hubs.push(new Hub(path.join(data, String(i)), await freeAddress(8883)));
  t.after(() => Promise.all(hubs.map((hub) => hub.up?.isRunning && hub.stop())));
  const ca = path.join(data, 'ca');
  await Promise.all(hubs.map((hub) => hub.start('--quiet', '--ca', ca)));
  assert.deepEqual(fs.readdirSync(ca).sort(), ['ca.key', 'ca.lock', 'ca.pem']);
  await Promise.all(hubs.map(async (hub) => assert.equal((await hub.json('health')).healthy, true)));
});

test('Running is what it says', async () => {
  const r = new Running(['version']);
  await r.shows(/^twinsim \d+\.\d+\.\d+\n/);
  assert.equal((await r.ended).code, 0);
});
