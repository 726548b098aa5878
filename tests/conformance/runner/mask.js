// mask.js - what the hub draws by chance, made the same in every run. All else is compared byte for byte.
//   <trackingId>   in the body of an error
//   <generation>   an identity's generation id, in an edge device's scope too
//   <rid>          of a method call: the hub chooses it
//   <etag>         of an identity (not of a twin)
//   <fault>        the number of a fault
//   <number>       the number of a message to a device
//   <correlation>  the correlation id of an event in the service's own shape, and <sequence> its sequence number (which must rise)
'use strict';

/** seen: what was masked so far in this play, by its value: the first is <etag>, another one <etag 2>. */
function maskText(text, seen = new Map()) {
  const numbered = (word) => (all, head, value) => {
    const key = `${word} ${value}`;
    if (!seen.has(key)) {
      const n = [...seen.keys()].filter((k) => k.startsWith(`${word} `)).length;
      seen.set(key, n ? `<${word} ${n + 1}>` : `<${word}>`);
    }
    return `${head}${seen.get(key)}"`;
  };
  return text
    .replace(/("trackingId":")[0-9a-f]{32}-G:1-TimeStamp:[0-9/]{10} [0-9:]{8}"/g, '$1<trackingId>"')
    .replace(/("(?:generationId|deviceGenerationId|iothub-connection-auth-generation-id)":")(\d+)"/g, numbered('generation'))
    .replace(/("deviceScope":"ms-azure-iot-edge:\/\/[^"]*-)(\d+)"/g, numbered('generation'))
    .replace(/("generationId":"<generation[ \d]*>","etag":")([^"]*)"/g, numbered('etag'))
    .replace(/("sequenceNumber":)\d+/g, '$1"<number>"')
    .replace(/^\{"id":\d+\}$/, '{"id":"<fault>"}')
    .replace(/("deviceEtag":")([^"]*)"/g, numbered('etag'));
}

/** An event in the service's own shape. last: the sequence number before. Gives [event, sequence number]. */
function maskNotice(topic, text, last, seen) {
  const notice = JSON.parse(maskText(text, seen));
  const sequence = notice.body?.sequenceNumber;
  if (notice.systemProperties?.['correlation-id'] !== undefined && notice.systemProperties['iothub-message-source'] !== 'Telemetry') notice.systemProperties['correlation-id'] = '<correlation>';
  if (sequence !== undefined && notice.properties?.opType?.startsWith('device')) notice.body.sequenceNumber = /^[0-9A-F]{64}$/i.test(sequence) && sequence > last ? '<sequence>' : `${sequence} behind ${last}`;
  return [{ topic: topic.replace('$twinsim/hub-events/v1/', ''), ...notice }, sequence ?? last];
}

const METHOD = /^(\$iothub\/methods\/POST\/[^/]+\/\?\$rid=)(.+)$/;
const maskTopic = (topic) => topic.replace(METHOD, '$1<rid>');
const ridOf = (topic) => METHOD.exec(topic)?.[2];

/** An event without what is different in every run; undefined: it is about the hub and its clock. rids: of the calls so far. */
function maskEvent(text, rids, seen) {
  const event = JSON.parse(maskText(text, seen));
  if (['hub-ready', 'hub-stopping', 'clock'].includes(event.kind)) return undefined;
  for (const name of ['seq', 'time', 'mono_us', 'conn', 'cause', 'peer', 'planned_us', 'actual_us']) delete event[name];
  if (event.kind === 'fault') event.id = '<fault>';
  if (event.kind.startsWith('method') && event.rid !== undefined && (event.waited !== false || rids.includes(event.rid))) event.rid = '<rid>';
  return event;
}

module.exports = { maskNotice, maskText, maskTopic, maskEvent, ridOf };
