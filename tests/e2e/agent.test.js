// agent.test.js - the reference agent on a machine made of files: every event it can tell, in each mode, in its form, and what that costs it.
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { sanitizerEnvironment } = require('../support/hub.js');
const { readCommented, validate } = require('../support/json-schema.js');
const { runScenario } = require('../support/runner.js');

const OBJECT = 'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration';
const row = (local, remote, state, inode) => `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000  1000        0 ${inode} 1\n`;
const header = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const listening = header + row('0100007F:0016', '00000000:0000', '0A', 1);

/** A machine with one user, one open port, two firewall rules and a tool that finds one fault. */
const files = {
  'machine/proc/net/tcp': listening,
  'machine/proc/net/tcp.later': listening + row('0100007F:0016', '0300007F:9C41', '01', 3) + row('0100007F:9C42', '0400007F:01BB', '01', 4),
  'machine/proc/meminfo': 'MemTotal: 1000 kB\nMemAvailable: 500 kB\n',
  'machine/proc/sys/kernel/hostname': 'machine-of-files\n',
  'machine/etc/passwd': 'ann:x:1000:1000:Ann:/ann:/bin/sh\n',
  'machine/etc/group': 'ann:x:1000:\n',
  'machine/etc/iptables/rules.v4': '*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n',
  'machine/sys/bus/usb/devices/1-1/bDeviceClass': '08\n',
  'machine/sys/bus/usb/devices/1-1/product': 'Stick\n',
  'machine/var/log/login.txt': '[7] [00042] [ts/0] [ann     ] [pts/0       ] [there               ] [127.0.0.9      ] [2026-01-01T00:00:00,000000+00:00]\n',
  'machine/proc/later/stat': '4242 (tool) S 1 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 99 23\n',
  'machine/proc/later/cmdline': 'tool --new',
  'machine/proc/later/comm': 'tool\n',
  baseline: `#!/bin/sh\nprintf '%s\\n' "$@" >"$(dirname "$0")/said"\necho '{"results":[{"description":"loose","cceid":"CCE-1","result":"FAIL","error_text":"","severity":"Critical"},{"result":"PASS"}]}'\n`,
};

const event = (name, payload, more = {}) => ({ Name: name, Payload: { $all: [payload] }, ...more });
/** One message that holds all of them. */
const told = (...events) => ({ expect: 'telemetry', within: '15s', match: { Events: { $all: events } } });

function scenario(mode, footprint) {
  const period = mode === 'legacy-c' ? 'PT1S' : 'PT0.3S';
  const value = (v) => ({ value: v });
  return {
    name: `everything is told (${mode})`,
    timeout: '55s',
    identities: { 'edge-1/azureiotsecurity': { desired: { [OBJECT]: {
      highPriorityMessageFrequency: value(period), lowPriorityMessageFrequency: value(period), snapshotFrequency: value(period),
      aggregationEnabledProcessCreate: value(false), aggregationEnabledConnectionCreate: value(false),
      baselineCustomChecksEnabled: value(true), baselineCustomChecksFilePath: value('/x; touch ../HIT $(touch HIT)'), baselineCustomChecksFileHash: value('`touch HIT`') } } } },
    agent: { as: 'edge-1/azureiotsecurity', files, env: {
      SECURITY_AGENT_MODE: mode, SECURITY_AGENT_ROOT: '${work}/machine', SECURITY_AGENT_BASELINE_TOOL: '${work}/baseline',
      SECURITY_AGENT_TRIGGER_INTERVAL: 'PT0.2S', SECURITY_AGENT_TWIN_PERIOD: 'PT0.1S' } },
    steps: [
      told(
        event('ListeningPorts', { LocalAddress: '127.0.0.1', LocalPort: '22' }),
        event('LocalUsers', { UserName: 'ann', GroupNames: 'ann' }),
        event('SystemInformation', { HostName: 'machine-of-files', TotalPhysicalMemoryInKB: 1000 }),
        event('FirewallConfiguration', { ChainName: 'INPUT', Action: 'Deny', Direction: 'In' }),
        event('Diagnostic', { Severity: 'Error' }), // the tool cannot be started yet
        ...(mode === 'documented' ? [event('ConnectedHardware', { HardwareCategory: 'USB', HardwareName: 'Stick' })] : []),
        event('DroppedEventsStatistics', { Queue: 'High', DroppedEvents: 0 })),
      { exec: ['chmod', '+x', '${work}/baseline'] },
      told(event('OSBaseline', { CceId: 'CCE-1', Result: mode === 'documented' ? 'Fail' : 'FAIL' }), event('MessageStatistics', { MessagesSent: { $gte: 1 } })),
      { exec: ['mv', '${work}/machine/proc/net/tcp.later', '${work}/machine/proc/net/tcp'] },
      told(event('ConnectionCreate', { Direction: 'Out', RemoteAddress: '127.0.0.4', RemotePort: '443', UserId: '1000' }, { Category: 'Triggered' })),
      { exec: ['mv', '${work}/machine/proc/later', '${work}/machine/proc/4242'] },
      told(event('ProcessCreate', { Executable: 'tool', CommandLine: 'tool --new', ProcessId: 4242, ParentProcessId: 1 }, { Category: 'Triggered' })),
      { exec: ['sh', '-c', 'utmpdump -r <"$0/login.txt" >"$0/wtmp"', '${work}/machine/var/log'] },
      told(event('Login', { UserName: 'ann', Result: 'Success', RemoteAddress: '127.0.0.9' }, { EventType: 'Security' })),
      { exec: ['sh', '-c', 'grep -qxF "/x; touch ../HIT \\$(touch HIT)" "$0/said" && grep -qxF "\\`touch HIT\\`" "$0/said" && ! ls "$0/HIT" "$0/../HIT" 2>/dev/null', '${work}'] },
      { stop: 'agent' },
      { exit: 0 },
      { log: { $regex: `op=footprint ${footprint}` } },
    ],
  };
}

// A sanitizer's own memory and time are not the agent's.
const isSanitized = Object.keys(sanitizerEnvironment()).length > 0;
const footprint = isSanitized ? 'peak_kb=[0-9]{1,6} cpu_ms=[0-9]{1,4}$' : 'peak_kb=([0-9]{1,4}|[12][0-9]{4}) cpu_ms=[0-9]{1,3}$';

/** Every security message that was recorded. */
function messages(dir) {
  const [file] = fs.readdirSync(dir).filter((name) => name.endsWith('.jsonl'));
  return fs.readFileSync(path.join(dir, file), 'utf8').trim().split('\n').map((line) => JSON.parse(line).event)
    .filter((event) => event?.kind === 'telemetry').map((event) => event.body);
}

for (const [mode, form] of [['documented', 'security-message.schema.json'], ['legacy-c', 'security-message.real.schema.json'], ['legacy-cs', 'security-message.real.schema.json']]) {
  test(`mode ${mode} tells all that it can of a machine, in the form of ${form}, runs its tool without a shell, and stays small`, async (t) => {
    const { stdout, stderr, result, dir } = await runScenario(t, scenario(mode, footprint), '--record', '@DIR/recorded');
    assert.equal(result?.verdict, 'passed', stdout + stderr);
    const schema = readCommented(fs.readFileSync(path.resolve(__dirname, '../../fixtures/schema', form), 'utf8'));
    const sent = messages(path.join(dir, 'recorded'));
    assert.ok(sent.length >= 5);
    for (const message of sent) assert.deepEqual(validate(schema, message), [], JSON.stringify(message));
  });
}
