package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"sort"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	apiVersion = "2021-04-12"

	topicTwinAnswers = "$iothub/twin/res/"
	topicDesired     = "$iothub/twin/PATCH/properties/desired/"
	topicGet         = "$iothub/twin/GET/?$rid="
	topicReport      = "$iothub/twin/PATCH/properties/reported/?$rid="
	topicMethods     = "$iothub/methods/POST/"
)

// login is who a client is, and how it proves that.
type login struct {
	host, address  string // the hub's name; where it is reached
	device, module string
	key            []byte // or a token that was given
	token          string
	modelID        string
}

// newLogin reads a connection string, or takes what was given with a finished token.
func newLogin(r *request) (*login, error) {
	if r.SAS != "" {
		return &login{host: r.Host, address: r.Host, device: r.Device, module: r.Module, token: r.SAS, modelID: r.ModelID}, nil
	}
	parts := map[string]string{}
	for _, part := range strings.Split(r.ConnectionString, ";") {
		name, value, _ := strings.Cut(part, "=")
		parts[name] = value
	}
	key, err := base64.StdEncoding.DecodeString(parts["SharedAccessKey"])
	if err != nil || parts["HostName"] == "" || parts["DeviceId"] == "" {
		return nil, failed("invalid", "not a connection string")
	}
	l := &login{host: parts["HostName"], address: parts["HostName"], device: parts["DeviceId"], module: parts["ModuleId"], key: key, modelID: r.ModelID}
	if gateway := parts["GatewayHostName"]; gateway != "" {
		l.address = gateway
	}
	return l, nil
}

// clientID is the identity's own, too (facts M-03, M-07).
func (l *login) clientID() string {
	if l.module == "" {
		return l.device
	}
	return l.device + "/" + l.module
}

func (l *login) userName() string {
	name := l.host + "/" + l.clientID() + "/?api-version=" + apiVersion + "&DeviceClientType=" + escaped(library())
	if l.modelID != "" {
		name += "&model-id=" + escaped(l.modelID)
	}
	return name
}

// newToken signs a token that ends at that time.
func (l *login) newToken(end time.Time) string {
	sr := l.host + "/devices/" + l.device
	if l.module != "" {
		sr += "/modules/" + l.module
	}
	sr = escaped(sr)
	mac := hmac.New(sha256.New, l.key)
	fmt.Fprintf(mac, "%s\n%d", sr, end.Unix())
	return fmt.Sprintf("SharedAccessSignature sr=%s&sig=%s&se=%d", sr, escaped(base64.StdEncoding.EncodeToString(mac.Sum(nil))), end.Unix())
}

// folder is where its messages come and go.
func (l *login) folder() string {
	if l.module == "" {
		return "devices/" + l.device + "/"
	}
	return "devices/" + l.device + "/modules/" + l.module + "/"
}

func (l *login) events() string   { return l.folder() + "messages/events/" }
func (l *login) messages() string { return l.folder() + "messages/devicebound/" }
func (l *login) inputs() string   { return l.folder() + "inputs/" }

// escaped is percent-encoded, a blank too: + is no blank for the hub (facts M-18).
func escaped(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

// message is what is sent and received, in the runner's words.
type message struct {
	Body            *string           `json:"body,omitempty"`
	BodyBase64      *string           `json:"bodyBase64,omitempty"`
	Properties      map[string]string `json:"properties,omitempty"`
	MessageID       string            `json:"messageId,omitempty"`
	CorrelationID   string            `json:"correlationId,omitempty"`
	UserID          string            `json:"userId,omitempty"`
	ContentType     string            `json:"contentType,omitempty"`
	ContentEncoding string            `json:"contentEncoding,omitempty"`
	To              string            `json:"to,omitempty"`
	Expiry          string            `json:"expiry,omitempty"`
	Output          string            `json:"output,omitempty"`
	Security        bool              `json:"security,omitempty"`
	Retain          bool              `json:"retain,omitempty"`
	QoS             *byte             `json:"qos,omitempty"`
}

// system is the name of each system property in a bag.
func (m *message) system() map[string]*string {
	return map[string]*string{
		"$.mid": &m.MessageID, "$.cid": &m.CorrelationID, "$.uid": &m.UserID, "$.ct": &m.ContentType, "$.ce": &m.ContentEncoding, "$.to": &m.To, "$.exp": &m.Expiry, "$.on": &m.Output,
	}
}

// wire is the bag and the body of a message to send.
func (m *message) wire() (bag string, body []byte, err error) {
	var pairs []string
	for name, value := range m.system() {
		if *value != "" {
			pairs = append(pairs, escaped(name)+"="+escaped(*value))
		}
	}
	for name, value := range m.Properties {
		pairs = append(pairs, escaped(name)+"="+escaped(value))
	}
	if m.Security {
		pairs = append(pairs, escaped("$.ifid")+"="+escaped("urn:azureiot:Security:SecurityAgent:1")) // facts S-13
	}
	sort.Strings(pairs)
	if m.BodyBase64 != nil {
		body, err = base64.StdEncoding.DecodeString(*m.BodyBase64)
	} else if m.Body != nil {
		body = []byte(*m.Body)
	}
	return strings.Join(pairs, "&"), body, err
}

// received reads the bag and the body of a message that came.
func received(bag string, body []byte) *message {
	m := &message{Properties: map[string]string{}}
	system := m.system()
	for _, pair := range strings.Split(bag, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, value = unescaped(name), unescaped(value)
		if known := system[name]; known != nil {
			*known = value
		} else if name != "" {
			m.Properties[name] = value
		}
	}
	if text := string(body); utf8.ValidString(text) {
		m.Body = &text
	} else {
		text = base64.StdEncoding.EncodeToString(body)
		m.BodyBase64 = &text
	}
	return m
}

func unescaped(text string) string {
	if plain, err := url.PathUnescape(text); err == nil {
		return plain
	}
	return text
}

// told is a message as an event's members.
func (m *message) told() object {
	members := object{}
	text, err := json.Marshal(m)
	if err == nil {
		err = json.Unmarshal(text, &members)
	}
	if err != nil {
		panic(err) // texts alone
	}
	return members
}
