package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// subscribe asks for all of these in one packet, and again if the connection is lost over it.
func (c *client) subscribe(filters map[string]byte) error {
	for {
		if err := c.whenOpen(func() {}); err != nil {
			return err
		}
		token := c.mqtt.SubscribeMultiple(filters, nil).(*mqtt.SubscribeToken)
		if c.wait(token) != nil {
			continue
		}
		for filter, granted := range token.Result() {
			if granted > 2 {
				return failed("refused", filter)
			}
		}
		return nil
	}
}

// subscribeTwin asks for answers and changes at once, the first time in a session that either is wanted.
func (c *client) subscribeTwin() error {
	c.subscribing.Lock()
	defer c.subscribing.Unlock()
	c.lock.Lock()
	hasTwin := c.hasTwin
	c.lock.Unlock()
	if hasTwin {
		return nil
	}
	if err := c.subscribe(map[string]byte{topicTwinAnswers + "#": 0, topicDesired + "#": 0}); err != nil {
		return err
	}
	c.lock.Lock()
	c.hasTwin = true
	c.lock.Unlock()
	return nil
}

// subscribeOther asks for one more, to be kept over clean sessions.
func (c *client) subscribeOther(topic string, qos byte) error {
	err := c.subscribe(map[string]byte{topic + "#": qos})
	c.lock.Lock()
	defer c.lock.Unlock()
	c.filters[topic+"#"] = qos
	return err
}

// subscribeAnew asks for all that the session before this one had.
func (c *client) subscribeAnew() {
	c.lock.Lock()
	hearsChange, filters := c.hearsChange, map[string]byte{}
	for filter, qos := range c.filters {
		filters[filter] = qos
	}
	c.lock.Unlock()
	if hearsChange {
		_ = c.subscribeTwin() // fails only when it is gone
	}
	if len(filters) > 0 {
		_ = c.subscribe(filters)
	}
}

func (c *client) perform(r *request) (any, error) {
	switch r.Do {
	case "listen":
		return nil, c.listen(r)
	case "twin":
		body, err := c.ask(topicGet, nil)
		return json.RawMessage(body), err
	case "report":
		_, err := c.ask(topicReport, r.Patch)
		return nil, err
	case "answer":
		c.lock.Lock()
		id, isKnown := c.calls[r.Call]
		delete(c.calls, r.Call)
		c.lock.Unlock()
		if !isKnown {
			return nil, failed("invalid", "no call "+r.Call)
		}
		return nil, c.wait(c.answer(id, r.Status, r.Payload))
	case "settle":
		return nil, c.settle(r)
	case "renew":
		c.lock.Lock()
		c.who.token = r.SAS
		c.lock.Unlock()
		c.logInAnew()
		return nil, nil
	}
	return nil, failed("unsupported", r.Do)
}

func (c *client) listen(r *request) error {
	switch r.What {
	case "desired":
		c.lock.Lock()
		c.hearsChange = true
		c.lock.Unlock()
		return c.subscribeTwin()
	case "methods":
		c.lock.Lock()
		for _, name := range r.Names {
			c.methods[name] = true
		}
		c.lock.Unlock()
		return c.subscribeOther(topicMethods, 0)
	case "messages":
		return c.subscribeOther(c.who.messages(), 1)
	default:
		return c.subscribeOther(c.who.inputs(), 1)
	}
}

// ask sends a request about the twin and waits for its answer.
func (c *client) ask(topic string, body []byte) ([]byte, error) {
	answer := make(chan twinAnswer, 1)
	id := ""
	for id == "" {
		if err := c.subscribeTwin(); err != nil {
			return nil, err
		}
		if err := c.whenOpen(func() {
			if c.hasTwin { // still: without it, there is no answer
				id = c.next()
				c.requests[id] = answer
			}
		}); err != nil {
			return nil, err
		}
	}
	c.mqtt.Publish(topic+id, 0, false, body)
	a, came := <-answer
	switch {
	case !came:
		return nil, errGone
	case a.status >= 300:
		return nil, &failure{Kind: "refused", Status: a.status, Message: string(a.body)}
	}
	return a.body, nil
}

// next is a name that was not used before; with the lock held.
func (c *client) next() string {
	c.last++
	return strconv.Itoa(c.last)
}

func (c *client) answer(id string, status int, payload []byte) mqtt.Token {
	return c.mqtt.Publish(fmt.Sprintf("$iothub/methods/res/%d/?$rid=%s", status, id), 0, false, payload)
}

// send hands a message on to sendAll, in the order in which they are asked for.
func (c *client) send(r *request) {
	c.lock.Lock()
	defer c.lock.Unlock()
	if c.isGone {
		answer(r.ID, nil, errGone)
		return
	}
	select {
	case c.out <- r:
	default:
		answer(r.ID, nil, failed("invalid", "too many messages wait"))
	}
}

// sendAll gives messages to paho one after the other, which may hold it up while there is no connection.
func (c *client) sendAll() {
	for {
		select {
		case r := <-c.out:
			token, err := c.publish(r.Message)
			if err != nil {
				answer(r.ID, nil, failed("invalid", err.Error()))
			} else {
				go func() { answer(r.ID, nil, c.wait(token)) }()
			}
		case <-c.gone:
			for len(c.out) > 0 {
				answer((<-c.out).ID, nil, errGone)
			}
			return
		}
	}
}

func (c *client) publish(wanted []byte) (mqtt.Token, error) {
	var m message
	if err := json.Unmarshal(wanted, &m); err != nil {
		return nil, err
	}
	bag, body, err := m.wire()
	if err != nil {
		return nil, err
	}
	qos := byte(1)
	if m.QoS != nil {
		qos = *m.QoS
	}
	return c.mqtt.Publish(c.who.events()+bag, qos, m.Retain, body), nil
}

// heard is called for everything that comes; by paho's own goroutine, which it must not hold up.
func (c *client) heard(_ mqtt.Client, m mqtt.Message) {
	topic := m.Topic()
	switch {
	case strings.HasPrefix(topic, topicTwinAnswers):
		status, query, _ := strings.Cut(strings.TrimPrefix(topic, topicTwinAnswers), "/?")
		code, _ := strconv.Atoi(status)
		id, _, _ := strings.Cut(strings.TrimPrefix(query, "$rid="), "&")
		c.lock.Lock()
		if answer := c.requests[id]; answer != nil {
			answer <- twinAnswer{code, m.Payload()}
			delete(c.requests, id)
		}
		c.lock.Unlock()
	case strings.HasPrefix(topic, topicDesired):
		c.lock.Lock()
		if c.hearsChange {
			c.tell("desired", object{"patch": json.RawMessage(m.Payload())})
		}
		c.lock.Unlock()
	case strings.HasPrefix(topic, topicMethods):
		name, id, _ := strings.Cut(strings.TrimPrefix(topic, topicMethods), "/?$rid=")
		c.called(name, id, m.Payload())
	case strings.HasPrefix(topic, c.who.messages()):
		told := received(strings.TrimPrefix(topic, c.who.messages()), m.Payload()).told()
		c.lock.Lock()
		id := c.next()
		c.messages[id] = m
		c.lock.Unlock()
		told["message"] = id
		c.tell("message", told)
		return // acknowledged when it is settled
	case strings.HasPrefix(topic, c.who.inputs()):
		input, bag, _ := strings.Cut(strings.TrimPrefix(topic, c.who.inputs()), "/")
		told := received(bag, m.Payload()).told()
		told["input"] = input
		c.tell("input", told)
	}
	m.Ack()
}

func (c *client) called(name, id string, payload []byte) {
	c.lock.Lock()
	defer c.lock.Unlock()
	if !c.methods[name] {
		go c.answer(id, 404, nil)
		return
	}
	call := c.next()
	c.calls[call] = id
	members := object{"call": call, "name": name}
	if len(payload) > 0 {
		members["payload"] = json.RawMessage(payload)
	}
	c.tell("method", members)
}

// settle acknowledges a message. paho panics when the connection on which it came has ended: the hub then sends it again.
func (c *client) settle(r *request) (err error) {
	if r.How != "complete" {
		return failed("unsupported", "MQTT has a PUBACK, and nothing else")
	}
	var name string
	if err := json.Unmarshal(r.Message, &name); err != nil {
		return failed("invalid", err.Error())
	}
	c.lock.Lock()
	m := c.messages[name]
	delete(c.messages, name)
	c.lock.Unlock()
	if m == nil {
		return failed("invalid", "no message "+name)
	}
	defer func() {
		if recover() != nil {
			err = errGone
		}
	}()
	m.Ack()
	return nil
}
