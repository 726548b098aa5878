package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"os"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
)

// client is one device or module. paho brings it back by itself when its connection is lost, and keeps what it sent at QoS 1 and the hub has
// not acknowledged; the hub keeps its session, so that it need not subscribe again, unless it is told to have a clean one.
type client struct {
	name string
	who  *login
	mqtt mqtt.Client
	gone chan struct{} // closed when it will not be connected any more
	out  chan *request // messages to send, in order

	tokenLife, renewAhead time.Duration

	subscribing sync.Mutex // one at a time
	lock        sync.Mutex // over all that follows
	opened      *sync.Cond // it may be connected now, or is gone
	conn        net.Conn
	renewal     *time.Timer
	isGone      bool
	isClean     bool
	hasTwin     bool            // subscriptions that the MQTT session keeps
	filters     map[string]byte // other subscriptions
	hearsChange bool
	methods     map[string]bool
	last        int
	requests    map[string]chan twinAnswer // that were sent, by request id
	calls       map[string]string          // request ids of the hub's
	messages    map[string]mqtt.Message    // that wait to be settled
}

type twinAnswer struct {
	status int
	body   []byte
}

var errGone = failed("unreachable", "the connection is lost")

// connect logs in, and tells whether the hub had kept a session.
func connect(r *request) (*client, bool, error) {
	who, err := newLogin(r)
	if err != nil {
		return nil, false, err
	}
	pem, err := os.ReadFile(r.CA)
	if err != nil {
		return nil, false, err
	}
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM(pem) {
		return nil, false, failed("invalid", "no certificate in "+r.CA)
	}
	c := &client{
		name: r.Client, who: who, gone: make(chan struct{}), out: make(chan *request, 4096), tokenLife: time.Hour, renewAhead: 5 * time.Minute, isClean: r.Clean,
		filters: map[string]byte{}, methods: map[string]bool{},
		requests: map[string]chan twinAnswer{}, calls: map[string]string{}, messages: map[string]mqtt.Message{},
	}
	c.opened = sync.NewCond(&c.lock)
	if r.TokenSeconds > 0 {
		c.tokenLife, c.renewAhead = time.Duration(r.TokenSeconds)*time.Second, time.Duration(r.RenewSeconds)*time.Second
	}
	comesBack := r.Retry == nil || *r.Retry
	serverName := who.address
	if r.ServerName != "" {
		serverName = r.ServerName
	}

	o := mqtt.NewClientOptions().AddBroker("tls://" + net.JoinHostPort(who.address, "8883")).SetClientID(who.clientID())
	o.SetCleanSession(r.Clean).SetStore(mqtt.NewOrderedMemoryStore()).SetAutoAckDisabled(true)
	o.SetOrderMatters(r.Ordered == nil || *r.Ordered)
	o.SetAutoReconnect(comesBack).SetMaxReconnectInterval(100 * time.Millisecond)
	if r.Will != "" {
		o.SetWill(who.events(), r.Will, 1, false)
	}
	if r.KeepAlive > 0 {
		o.SetKeepAlive(time.Duration(r.KeepAlive) * time.Second)
	}
	o.SetCredentialsProvider(func() (string, string) { return who.userName(), c.password() })
	o.SetTLSConfig(&tls.Config{RootCAs: trusted, ServerName: serverName, MinVersion: tls.VersionTLS12})
	o.SetCustomOpenConnectionFn(func(at *url.URL, o mqtt.ClientOptions) (net.Conn, error) {
		conn, err := tls.DialWithDialer(o.Dialer, "tcp", at.Host, o.TLSConfig)
		if err != nil {
			return nil, err
		}
		c.lock.Lock()
		c.conn = conn
		c.lock.Unlock()
		return conn, nil
	})
	// One handler, there before anything is subscribed to: what a kept session holds comes at once.
	o.SetDefaultPublishHandler(c.heard)
	isFirst := true
	o.SetOnConnectHandler(func(mqtt.Client) {
		c.lock.Lock()
		defer c.lock.Unlock()
		c.opened.Broadcast()
		if !isFirst {
			c.tell("connected", object{})
			if c.isClean {
				go c.subscribeAnew()
			}
		}
		isFirst = false
	})
	o.SetReconnectingHandler(func(mqtt.Client, *mqtt.ClientOptions) { c.forget() })
	o.SetConnectionLostHandler(func(_ mqtt.Client, why error) {
		c.tell("disconnected", object{"message": why.Error()})
		if !comesBack {
			c.end()
		}
	})

	c.mqtt = mqtt.NewClient(o)
	token := c.mqtt.Connect().(*mqtt.ConnectToken)
	<-token.Done()
	if token.Error() != nil {
		c.end()
		switch code := token.ReturnCode(); code {
		case packets.ErrRefusedBadUsernameOrPassword, packets.ErrRefusedNotAuthorised:
			return nil, false, failed("unauthorized", token.Error().Error())
		case packets.ErrNetworkError:
			return nil, false, failed("unreachable", token.Error().Error())
		default:
			return nil, false, failed("refused", fmt.Sprintf("CONNACK %d", code))
		}
	}
	go c.sendAll()
	return c, token.SessionPresent(), nil
}

func (c *client) tell(event string, members object) {
	members["event"], members["client"] = event, c.name
	say(members)
}

// password is a token for the connection about to be made.
func (c *client) password() string {
	c.lock.Lock()
	defer c.lock.Unlock()
	if c.who.token != "" || c.isGone {
		return c.who.token
	}
	if c.renewal != nil {
		c.renewal.Stop()
	}
	c.renewal = time.AfterFunc(c.tokenLife-c.renewAhead, c.logInAnew)
	return c.who.newToken(time.Now().Add(c.tokenLife))
}

// logInAnew leaves and comes back with another token. paho has no call for that; but from a read that fails, be it for the time being over, it
// comes back by itself, and goes on with all that was under way. (Of a connection that is closed on this side it would not notice.)
func (c *client) logInAnew() {
	c.lock.Lock()
	defer c.lock.Unlock()
	if c.conn != nil {
		_ = c.conn.SetReadDeadline(time.Now())
	}
}

// forget is called when a connection is lost, and fails what was asked on it: answers come at QoS 0, on that connection or not at all.
func (c *client) forget() {
	c.lock.Lock()
	defer c.lock.Unlock()
	for id, answer := range c.requests {
		close(answer)
		delete(c.requests, id)
	}
	c.hasTwin = c.hasTwin && !c.isClean
}

func (c *client) end() {
	c.lock.Lock()
	if !c.isGone {
		c.isGone = true
		close(c.gone)
	}
	if c.renewal != nil {
		c.renewal.Stop()
	}
	c.opened.Broadcast()
	c.lock.Unlock()
	c.forget()
}

func (c *client) leave() {
	c.end()
	c.mqtt.Disconnect(2000)
}

// whenOpen waits until it is connected and does that before it can be told that it no longer is.
func (c *client) whenOpen(do func()) error {
	c.lock.Lock()
	defer c.lock.Unlock()
	for !c.isGone && !c.mqtt.IsConnectionOpen() {
		c.opened.Wait()
	}
	if c.isGone {
		return errGone
	}
	do()
	return nil
}

// wait is over when the token is, or the client.
func (c *client) wait(token mqtt.Token) error {
	select {
	case <-token.Done():
	case <-c.gone:
		return errGone
	}
	if token.Error() != nil {
		return failed("unreachable", token.Error().Error())
	}
	return nil
}
