// security-messages.test.js - what the reference agent sends has the published form, whatever it collects; in the modes of the real agents it
// breaks that form where those are known to, and nowhere else.
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { binaries } = require('../support/hub.js');
const { validate } = require('../support/json-schema.js');
const { runScenario } = require('../support/runner.js');
const { temporary } = require('../support/twinsim.js');

const ROOT = path.resolve(__dirname, '../..');
const read = (name) => JSON.parse(fs.readFileSync(path.join(ROOT, 'fixtures/schema', name), 'utf8'));
const strict = read('security-message.schema.json');
const real = read('security-message.real.schema.json');
const OBJECT = 'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration';

/** A record of wtmp, as on x86-64: somebody came in. */
function login() {
  const record = Buffer.alloc(384);
  record.writeInt16LE(7, 0); // a user's process
  record.writeInt32LE(1, 4);
  record.write('operator', 44);
  record.set([198, 51, 100, 23], 348);
  return record;
}

/** A folder that stands for the machine: its own processes and sockets, made-up logins, rules, devices and a baseline tool. */
function machine(t) {
  const dir = temporary(t, 'twinsim-machine-');
  const write = (name, content, mode) => {
    fs.mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
    fs.writeFileSync(path.join(dir, name), content, { mode });
  };
  fs.symlinkSync('/proc', path.join(dir, 'proc'));
  write('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n');
  write('etc/group', 'root:x:0:\n');
  write('var/log/wtmp', '');
  write('login', login());
  write('etc/iptables/rules.v4', '*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -s 192.0.2.0/24 -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n');
  for (const [name, text] of [['bDeviceClass', '03'], ['manufacturer', 'Some'], ['product', 'Keyboard']]) write(`sys/bus/usb/devices/1-1/${name}`, `${text}\n`);
  write('tool', `#!/bin/sh\necho '${JSON.stringify({ results: [{ description: 'Ensure nodev is set', cceid: 'CCE-4249-9', result: 'Fail', error_text: '', severity: 'Critical' }] })}'\n`, 0o755);
  return dir;
}

/** Run the agent through all it can tell, and resolve to its messages. */
async function messages(t, mode) {
  const root = machine(t);
  const dir = temporary(t);
  const value = (v) => ({ value: v });
  const desired = { [OBJECT]: Object.fromEntries(Object.entries({
    highPriorityMessageFrequency: 'PT1S', lowPriorityMessageFrequency: 'PT1S', snapshotFrequency: 'PT1S', aggregationIntervalProcessCreate: 'PT1S',
    aggregationEnabledConnectionCreate: false, maxMessageSizeInBytes: 250001 }).map(([key, v]) => [key, value(v)])) };
  const has = (Name, more = {}) => ({ expect: 'telemetry', match: { Events: { $all: [{ Name, ...more }] } }, within: '20s' });
  const dial = `const s = require('node:net').connect(8883, '\${host}', () => setTimeout(() => s.destroy(), 2500))`;
  const scenario = {
    name: 'everything is told',
    identities: { 'edge-1/azureiotsecurity': { desired } },
    agent: { as: 'edge-1/azureiotsecurity', env: {
      SECURITY_AGENT_MODE: mode, SECURITY_AGENT_ROOT: root, SECURITY_AGENT_BASELINE_TOOL: path.join(root, 'tool'), SECURITY_AGENT_TRIGGER_INTERVAL: 'PT0.3S',
      SECURITY_AGENT_TICK: 'PT0.1S', SECURITY_AGENT_TWIN_PERIOD: 'PT0.1S' } },
    steps: [{ parallel: [
      [has('ListeningPorts'), { exec: ['sh', '-c', `cat ${root}/login >> ${root}/var/log/wtmp`] }, { exec: ['node', '-e', dial], within: '20s' }],
      ...['ConfigurationError', 'DroppedEventsStatistics', 'MessageStatistics', 'LocalUsers', 'SystemInformation', 'FirewallConfiguration', 'OSBaseline', 'ProcessCreate', 'ConnectionCreate',
        ...(process.arch === 'x64' ? ['Login'] : [])].map((name) => [has(name)]),
    ] }],
    timeout: '90s',
  };
  const { code, stdout } = await runScenario(t, scenario, '--agent', path.join(binaries(), 'security-agent'), '--record', dir);
  assert.equal(code, 0, stdout);
  const lines = fs.readdirSync(dir).flatMap((name) => fs.readFileSync(path.join(dir, name), 'utf8').trim().split('\n')).map((line) => JSON.parse(line));
  return lines.filter((line) => line.event?.kind === 'telemetry').map((line) => line.event.body);
}

/** What a form says against some messages, without the places. */
const against = (form, bodies) => [...new Set(bodies.flatMap((body) => validate(form, body)).map((text) => text.replace(/^\/Events\/\d+(\/Payload\/\d+)?/, '').replace(/^\/Events$/, '')))].sort();

const AGGREGATED = ['/Category: is none of Periodic,Triggered', '/Category: is not Triggered'];
for (const [mode, breaches] of [
  ['documented', AGGREGATED],
  ['legacy-c', [...AGGREGATED, '/ExtraDetails/HitCount: is number, not string']],
  ['legacy-cs', [...AGGREGATED, '/Queue: is none of High,Low', '/TimestampLocal: is no date-time', '/TimestampUTC: is no date-time']],
]) {
  test(`${mode}: every message has the form that the real agents keep, and breaks the published one in known places only (S-11, S-12, S-29, S-32)`, async (t) => {
    const bodies = await messages(t, mode);
    assert.ok(bodies.length > 0);
    assert.deepEqual(against(real, bodies), []);
    assert.deepEqual(against(strict, bodies).filter((said) => !breaches.includes(said)), []);
    const plain = bodies.filter((body) => body.Events.every((event) => event.Category !== 'Aggregated'));
    if (mode === 'documented') assert.deepEqual(against(strict, plain), []);
  });
}
