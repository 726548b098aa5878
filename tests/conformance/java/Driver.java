import com.google.gson.*;
import com.google.gson.reflect.TypeToken;
import com.microsoft.azure.sdk.iot.device.*;
import com.microsoft.azure.sdk.iot.device.auth.IotHubSSLContext;
import com.microsoft.azure.sdk.iot.device.exceptions.IotHubClientException;
import com.microsoft.azure.sdk.iot.device.transport.*;
import com.microsoft.azure.sdk.iot.device.twin.*;
import java.io.*;
import java.nio.charset.StandardCharsets;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLContext;

/**
 * The official Java device SDK, as it comes from its registry, behind the line protocol of ../README.md.
 *
 * <p>One thread a request; what the SDK tells comes on threads of the SDK. A handler of the SDK (a method, a message) gives its answer by
 * returning it, so ours wait there for the runner's "answer" or "settle"; while one waits, the SDK calls no other of that client.
 */
public final class Driver {
    private static final PrintStream OUT = new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
    /** Numbers stay whole where they are whole, and null is said. */
    private static final Gson GSON = new GsonBuilder().serializeNulls().disableHtmlEscaping().setObjectToNumberStrategy(ToNumberPolicy.LONG_OR_DOUBLE).create();
    private static final Map<String, Peer> PEERS = new ConcurrentHashMap<>();
    private static final Map<String, SSLContext> TRUST = new ConcurrentHashMap<>();
    private static final AtomicInteger CALLS = new AtomicInteger();

    /** What the runner is told when something failed. */
    private static final class Failure extends Exception {
        private static final long serialVersionUID = 1;
        final String kind;
        final Integer status;

        Failure(String kind, Integer status, String message) {
            super(message);
            this.kind = kind;
            this.status = status;
        }
    }

    public static void main(String[] arguments) throws IOException {
        ExecutorService requests = Executors.newCachedThreadPool();
        say(object("hello", object("language", "java", "sdk", "iot-device-client " + TransportUtils.CLIENT_VERSION, "runtime", "Java " + System.getProperty("java.version"))));
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            JsonObject request = JsonParser.parseString(line).getAsJsonObject();
            if (text(request, "do").equals("quit")) break;
            // Messages keep their order, so they are handed to the SDK right here; that does not wait.
            if (text(request, "do").equals("send")) answer(request, started(request));
            else requests.execute(() -> answer(request, started(request)));
        }
        Runtime.getRuntime().halt(0); // what the SDK left running is nobody's any more
    }

    private static void answer(JsonObject request, CompletableFuture<JsonElement> done) {
        done.whenComplete((value, problem) -> {
            JsonObject answer = new JsonObject();
            answer.add("id", request.get("id"));
            if (problem == null) {
                answer.add("ok", value);
            } else {
                Failure f = failure(problem);
                answer.add("error", object("kind", f.kind, "status", f.status, "message", String.valueOf(f.getMessage())));
            }
            say(answer);
        });
    }

    private static CompletableFuture<JsonElement> started(JsonObject request) {
        try {
            if (text(request, "do").equals("send")) return peer(request).send(request.getAsJsonObject("message"));
            return CompletableFuture.completedFuture(perform(request));
        } catch (Throwable problem) {
            return CompletableFuture.failedFuture(problem);
        }
    }

    private static Peer peer(JsonObject request) throws Failure {
        Peer peer = PEERS.get(text(request, "client"));
        if (peer == null) throw new Failure("invalid", null, "no client " + text(request, "client"));
        return peer;
    }

    private static JsonElement perform(JsonObject request) throws Exception {
        String name = text(request, "client");
        switch (text(request, "do")) {
            case "connect":
                Peer fresh = new Peer(name, request);
                PEERS.put(name, fresh);
                try {
                    fresh.open();
                } catch (Throwable problem) {
                    PEERS.remove(name, fresh);
                    fresh.client.close();
                    throw problem;
                }
                return JsonNull.INSTANCE;
            case "disconnect":
                Peer leaving = PEERS.remove(name);
                if (leaving != null) leaving.leave();
                return JsonNull.INSTANCE;
            default:
                return peer(request).perform(request);
        }
    }

    /** What went wrong, in the protocol's words. */
    private static Failure failure(Throwable problem) {
        if (problem instanceof Failure) return (Failure) problem;
        if ((problem instanceof ExecutionException || problem instanceof CompletionException) && problem.getCause() != null) return failure(problem.getCause());
        if (problem instanceof UnsupportedOperationException) return new Failure("unsupported", null, problem.toString());
        if (problem instanceof IllegalArgumentException) return new Failure("invalid", null, problem.toString());
        if (problem instanceof IllegalStateException) return new Failure("unreachable", null, problem.toString());
        if (!(problem instanceof IotHubClientException)) return new Failure("unknown", null, problem.toString());
        switch (((IotHubClientException) problem).getStatusCode()) {
            case UNAUTHORIZED: return new Failure("unauthorized", null, problem.toString());
            case IO_ERROR:
            case MESSAGE_CANCELLED_ONCLOSE: return new Failure("unreachable", null, problem.toString());
            case BAD_FORMAT:
            case MESSAGE_EXPIRED: return new Failure("invalid", null, problem.toString());
            case DEVICE_OPERATION_TIMED_OUT: return new Failure("timeout", null, problem.toString());
            case ERROR: return new Failure("unknown", null, problem.toString());
            default: return new Failure("refused", null, problem.toString());
        }
    }

    /** One client of the SDK. */
    private static final class Peer {
        final String name;
        final InternalClient client;
        final boolean isModule;
        private final Map<String, CompletableFuture<JsonObject>> waiting = new ConcurrentHashMap<>(); // handlers that wait for the runner
        private final Set<String> methods = ConcurrentHashMap.newKeySet();
        private volatile String token;
        private volatile boolean isOpen, hearsDesired;
        private boolean isSubscribed; // to desired changes, which the SDK wants before anything else of a twin

        Peer(String name, JsonObject request) throws Exception {
            this.name = name;
            ClientOptions.ClientOptionsBuilder options = ClientOptions.builder().sslContext(trust(text(request, "ca")));
            if (request.has("modelId")) options.modelId(text(request, "modelId"));
            if (request.has("keepAlive")) options.keepAliveInterval(request.get("keepAlive").getAsInt());
            if (request.has("tokenSeconds")) options.sasTokenExpiryTime(request.get("tokenSeconds").getAsLong());
            IotHubClientProtocol mqtt = IotHubClientProtocol.MQTT;
            if (request.has("sas")) {
                token = text(request, "sas");
                String host = text(request, "host"), device = text(request, "device");
                SasTokenProvider tokens = () -> token.toCharArray();
                isModule = request.has("module");
                client = isModule ? new ModuleClient(host, device, text(request, "module"), tokens, mqtt, options.build()) : new DeviceClient(host, device, tokens, mqtt, options.build());
            } else {
                String string = encodedDevice(text(request, "connectionString"));
                isModule = string.contains(";ModuleId=");
                client = isModule ? new ModuleClient(string, mqtt, options.build()) : new DeviceClient(string, mqtt, options.build());
            }
            boolean comesBack = !request.has("retry") || request.get("retry").getAsBoolean();
            client.setRetryPolicy(comesBack ? new ExponentialBackoffWithJitter(Integer.MAX_VALUE, 20, 200, 10, true) : new NoRetry());
            client.setConnectionStatusChangeCallback(this::statusChanged, null);
        }

        void open() throws IotHubClientException {
            client.open(false);
            isOpen = true;
        }

        /** Leave; handlers that still wait are told to give up first, else the SDK would wait for them. */
        void leave() {
            isOpen = false;
            waiting.values().forEach(w -> w.complete(null));
            client.close();
        }

        private void statusChanged(ConnectionStatusChangeContext change) {
            if (!isOpen) return;
            boolean isConnected = change.getNewStatus() == IotHubConnectionStatus.CONNECTED;
            event(isConnected ? "connected" : "disconnected", object("message", change.getNewStatusReason() + (change.getCause() == null ? "" : ": " + change.getCause())));
        }

        JsonElement perform(JsonObject request) throws Exception {
            switch (text(request, "do")) {
                case "listen": return listen(request);
                case "twin": return twin();
                case "report": return report(request.getAsJsonObject("patch"));
                case "answer": return release(text(request, "call"), request);
                case "settle": return release(text(request, "message"), request);
                case "renew":
                    token = text(request, "sas"); // the SDK asks its provider whenever it connects
                    return JsonNull.INSTANCE;
                default: throw new Failure("unsupported", null, "no such request");
            }
        }

        private JsonElement release(String handler, JsonObject request) throws Failure {
            CompletableFuture<JsonObject> w = waiting.remove(handler);
            if (w == null) throw new Failure("invalid", null, "nobody waits for " + handler);
            w.complete(request);
            return JsonNull.INSTANCE;
        }

        private JsonElement listen(JsonObject request) throws Exception {
            switch (text(request, "what")) {
                case "desired":
                    hearsDesired = true;
                    subscribe();
                    break;
                case "methods":
                    request.getAsJsonArray("names").forEach(n -> methods.add(n.getAsString()));
                    client.subscribeToMethods((method, payload, context) -> called(method, payload), null);
                    break;
                case "messages":
                    if (isModule) ((ModuleClient) client).setMessageCallback((m, context) -> received("message", m), null);
                    else ((DeviceClient) client).setMessageCallback((m, context) -> received("message", m), null);
                    break;
                default:
                    for (JsonElement input : request.getAsJsonArray("names")) ((ModuleClient) client).setMessageCallback(input.getAsString(), (m, context) -> received("input", m), null);
            }
            return JsonNull.INSTANCE;
        }

        private synchronized void subscribe() throws Exception {
            if (isSubscribed) return;
            client.subscribeToDesiredProperties((twin, context) -> {
                if (hearsDesired) event("desired", object("patch", section(twin.getDesiredProperties())));
            }, null);
            isSubscribed = true;
        }

        private JsonElement twin() throws Exception {
            subscribe();
            Answer answer = new Answer();
            client.getTwinAsync(answer, null);
            Twin twin = Twin.createFromPropertiesJson(new String(answer.await().getBytes(), StandardCharsets.UTF_8));
            return object("desired", section(twin.getDesiredProperties()), "reported", section(twin.getReportedProperties()));
        }

        private JsonElement report(JsonObject patch) throws Exception {
            subscribe();
            Answer answer = new Answer();
            client.updateReportedPropertiesAsync(new TwinCollection(GSON.<Map<String, Object>>fromJson(patch, new TypeToken<Map<String, Object>>() {}.getType())), answer, null);
            answer.await();
            return JsonNull.INSTANCE;
        }

        CompletableFuture<JsonElement> send(JsonObject wanted) {
            CompletableFuture<JsonElement> sent = new CompletableFuture<>();
            MessageSentCallback done = (m, problem, context) -> {
                if (problem == null) sent.complete(JsonNull.INSTANCE);
                else sent.completeExceptionally(problem);
            };
            if (wanted.has("output")) ((ModuleClient) client).sendEventAsync(message(wanted), done, null, text(wanted, "output"));
            else client.sendEventAsync(message(wanted), done, null);
            return sent;
        }

        private DirectMethodResponse called(String method, DirectMethodPayload payload) {
            if (!methods.contains(method)) return new DirectMethodResponse(404, null);
            JsonObject answer = ask("method", "call", object("name", method, "payload", payload.getPayloadAsJsonElement()));
            return answer == null ? null : new DirectMethodResponse(answer.get("status").getAsInt(), answer.has("payload") ? GSON.fromJson(answer.get("payload"), Object.class) : null);
        }

        private IotHubMessageResult received(String kind, Message m) {
            JsonObject told = object("messageId", m.getMessageId(), "correlationId", m.getCorrelationId(), "userId", m.getUserId(), "contentType", m.getContentType(),
                "contentEncoding", m.getContentEncoding(), "to", m.getTo(), "bodyBase64", Base64.getEncoder().encodeToString(m.getBytes()));
            JsonObject properties = new JsonObject();
            for (MessageProperty p : m.getProperties()) properties.addProperty(p.getName(), p.getValue());
            told.add("properties", properties);
            if (kind.equals("input")) told.addProperty("input", m.getInputName());
            JsonObject verdict = ask(kind, "message", told);
            if (verdict == null) throw new CancellationException("it leaves"); // whatever is returned, the SDK would acknowledge the message
            return IotHubMessageResult.valueOf(text(verdict, "how").toUpperCase(Locale.ROOT));
        }

        /** Tell the runner, under a name that it can answer to, and wait for that: null when this client leaves instead. */
        private JsonObject ask(String event, String member, JsonObject told) {
            if (!isOpen) return null;
            String handler = name + "/" + CALLS.incrementAndGet();
            CompletableFuture<JsonObject> answer = new CompletableFuture<>();
            waiting.put(handler, answer);
            told.addProperty(member, handler);
            event(event, told);
            return answer.join();
        }

        private void event(String kind, JsonObject members) {
            JsonObject line = object("event", kind, "client", name);
            members.entrySet().forEach(m -> line.add(m.getKey(), m.getValue()));
            say(line);
        }
    }

    /**
     * The hub's answer to a GET or a PATCH. The SDK tells of it twice: onResponseReceived, which it forgets at times (another of its threads may
     * have dropped the request from its table by then, 2.5.0), and onResponseAcknowledged, which it never does.
     */
    private static final class Answer implements GetTwinCorrelatingMessageCallback, ReportedPropertiesUpdateCorrelatingMessageCallback {
        private final CompletableFuture<IotHubTransportMessage> message = new CompletableFuture<>();

        IotHubTransportMessage await() throws Exception {
            IotHubTransportMessage answer = message.get();
            int status = Integer.parseInt(answer.getStatus());
            if (status >= 300) throw new Failure("refused", status, IotHubStatusCode.getIotHubStatusCode(status) + " " + new String(answer.getBytes(), StandardCharsets.UTF_8));
            return answer;
        }

        @Override
        public void onResponseAcknowledged(Message answer, Object context) {
            message.complete((IotHubTransportMessage) answer);
        }

        @Override
        public void onRequestAcknowledged(Message request, Object context, IotHubClientException problem) {
            if (problem != null) message.completeExceptionally(problem);
        }

        @Override
        public void onRequestQueued(Message request, Object context) {}

        @Override
        public void onRequestSent(Message request, Object context) {}

        @Override
        public void onResponseReceived(Twin twin, Message answer, Object context, IotHubStatusCode status, IotHubClientException problem) {
            message.complete((IotHubTransportMessage) answer);
        }

        @Override
        public void onResponseReceived(Message answer, Object context, IotHubStatusCode status, ReportedPropertiesUpdateResponse response, IotHubClientException problem) {
            message.complete((IotHubTransportMessage) answer);
        }
    }

    private static Message message(JsonObject wanted) {
        byte[] body = wanted.has("bodyBase64") ? Base64.getDecoder().decode(text(wanted, "bodyBase64")) : text(wanted, "body").getBytes(StandardCharsets.UTF_8);
        Message m = new Message(body);
        if (wanted.has("properties")) wanted.getAsJsonObject("properties").entrySet().forEach(p -> m.setProperty(p.getKey(), p.getValue().getAsString()));
        if (wanted.has("messageId")) m.setMessageId(text(wanted, "messageId"));
        if (wanted.has("correlationId")) m.setCorrelationId(text(wanted, "correlationId"));
        if (wanted.has("userId")) m.setUserId(text(wanted, "userId"));
        if (wanted.has("contentType")) m.setContentType(text(wanted, "contentType"));
        if (wanted.has("contentEncoding")) m.setContentEncoding(text(wanted, "contentEncoding"));
        if (wanted.has("to") || wanted.has("expiry")) throw new UnsupportedOperationException("the SDK sends neither over MQTT");
        if (wanted.has("security")) m.setAsSecurityMessage();
        return m;
    }

    /** A section of a twin with its version, as it was on the wire. */
    private static JsonObject section(TwinCollection section) {
        JsonObject plain = section.toJsonElement().getAsJsonObject();
        if (section.getVersion() != null) plain.addProperty("$version", section.getVersion());
        return plain;
    }

    /** The SDK decodes the device's id in a connection string, and no other part: a % or + of the id has to be encoded for it. */
    private static String encodedDevice(String connectionString) {
        int from = connectionString.indexOf(";DeviceId=") + 1, to = connectionString.indexOf(';', from);
        return connectionString.substring(0, from) + connectionString.substring(from, to).replace("%", "%25").replace("+", "%2B") + connectionString.substring(to);
    }

    private static SSLContext trust(String file) throws Exception {
        SSLContext known = TRUST.get(file);
        if (known == null) TRUST.put(file, known = IotHubSSLContext.getSSLContextFromFile(file));
        return known;
    }

    private static String text(JsonObject o, String member) {
        return o.get(member).getAsString();
    }

    /** An object of the pairs whose value is not null. */
    private static JsonObject object(Object... pairs) {
        JsonObject o = new JsonObject();
        for (int i = 0; i < pairs.length; i += 2) if (pairs[i + 1] != null) o.add((String) pairs[i], GSON.toJsonTree(pairs[i + 1]));
        return o;
    }

    private static void say(JsonObject line) {
        String text = GSON.toJson(line);
        synchronized (OUT) {
            OUT.print(text + "\n");
            OUT.flush();
        }
    }
}
