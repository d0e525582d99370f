package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/keyholder/keyholder/cmd/keyholder/config"
	"github.com/keyholder/keyholder/store/storetest"
	"github.com/keyholder/keyholder/workflows"
)

// hand is somebody who can write to Redis, beside a keyholder that runs as a program on it.
type hand struct {
	*stage
	c      *redis.Client
	url    string
	child  *child
	log    *buffer
	sealed bool
	id     string // the transfer
}

const handShards = 4

// handKey seals in these tests.
var handKey = base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789ABCDEF"))

// onHand has a transfer wait for its confirmations, on a database of its own, and stops Keyholder there.
func onHand(t *testing.T, server *storetest.Server, sealed bool) *hand {
	t.Helper()
	db := int(databases.Add(1))
	h := &hand{url: fmt.Sprintf("redis://%s/%d", server.Addr, db), log: &buffer{}, sealed: sealed}
	h.stage = prepare(t, options{redisURL: h.url, edit: quick, from: realTime()})
	h.c = redis.NewClient(&redis.Options{Addr: server.Addr, DB: db})
	t.Cleanup(func() { _ = h.c.Close() })
	if sealed {
		h.more = []string{config.EnvSealKey + "=" + handKey}
	}
	h.path = h.configFile(quick)
	h.run()
	h.insistRequest(dee, toAlias())
	h.insistPress(ana, "transfer.claim")
	h.signUp(aliasEmail)
	for _, who := range []string{ana, ben, cat} {
		h.until(who+"'s button", func() bool { return h.has(who, "transfer.confirm") })
	}
	h.id = h.workflowID()
	return h
}

func (h *hand) run() {
	h.t.Helper()
	c, err := h.spawn(h.path, h.url, h.log)
	if err != nil {
		h.t.Fatal(err)
	}
	h.child = c
	h.t.Cleanup(func() {
		if h.t.Failed() {
			h.t.Logf("keyholder said:\n%s", h.log)
		}
		if h.child == c {
			c.kill()
		}
	})
	h.until("the bot to connect", func() bool { return h.slack.Connections() > 0 })
}

// stopped ends Keyholder, so that what a hand does meets nothing that is under way.
func (h *hand) stopped() {
	h.t.Helper()
	h.child.stop(h.t)
	h.child = nil
	h.until("the bot to be gone", func() bool { return h.slack.Connections() == 0 })
}

func (h *hand) key(kind string, ref workflows.Ref) string {
	shard := workflows.ShardOf(ref.ID, handShards)
	if ref.Kind == workflows.KindWorkflow {
		_, shard, _ = workflows.ParseID(ref.ID)
	}
	return fmt.Sprintf("kh:{%02d}:%s:%s/%s", shard, kind, ref.Kind, ref.ID)
}

func (h *hand) transfer() workflows.Ref { return workflows.Ref{Kind: workflows.KindWorkflow, ID: h.id} }

func (h *hand) set(key string, fields ...string) {
	h.t.Helper()
	if err := h.c.HSet(context.Background(), key, fields).Err(); err != nil {
		h.t.Fatal(err)
	}
}

// rewrite replaces a part of a record's state, which must be there.
func (h *hand) rewrite(ref workflows.Ref, old, instead string) {
	h.t.Helper()
	key := h.key("record", ref)
	state, err := h.c.HGet(context.Background(), key, "state").Result()
	if err != nil || !strings.Contains(state, old) {
		h.t.Fatalf("%s: no %s in %s, %v", key, old, state, err)
	}
	h.set(key, "state", strings.ReplaceAll(state, old, instead))
}

// verified runs audit verify, which must end with 1 and name each of the words.
func (h *hand) verified(words ...string) {
	h.t.Helper()
	out, code := h.command(h.url, "audit", "verify", "--config", h.path)
	if code != 1 {
		h.t.Errorf("audit verify ends with %d: %s", code, out)
	}
	for _, word := range words {
		if !strings.Contains(out, word) {
			h.t.Errorf("audit verify does not say %q: %s", word, out)
		}
	}
}

// whole is what audit verify has to say when nobody wrote by hand.
func (h *hand) whole() {
	h.t.Helper()
	if out, code := h.command(h.url, "audit", "verify", "--config", h.path); code != 0 {
		h.t.Errorf("before anything was changed audit verify ends with %d: %s", code, out)
	}
}

// heard waits until the channel was told, and the log, with the record's name.
func (h *hand) heard(name string) {
	h.t.Helper()
	h.until("the channel to hear of "+name, func() bool {
		for _, m := range h.channelHeard("Somebody changed Keyholder's record in Redis") {
			if strings.Contains(string(m.Blocks), name) {
				return true
			}
		}
		return false
	})
	h.until("the log to say it", func() bool {
		return strings.Contains(h.log.String(), "is not what Keyholder stored in Redis")
	})
}

// votesOf counts who is recorded with a vote, past the bot.
func (h *hand) votesOf() []string {
	h.t.Helper()
	out, _ := h.command(h.url, "audit", "export", "--config", h.path)
	var all []recorded
	dec := json.NewDecoder(strings.NewReader(out))
	for dec.More() {
		var r recorded
		if err := dec.Decode(&r); err != nil {
			h.t.Fatal(err)
		}
		all = append(all, r)
	}
	return votes(all)
}

// invited reports whether integrator.io was asked to change the owner.
func (h *hand) invited() bool { return len(h.transfers()) > 0 }

// TestAHandThatWritesRedisCannotMakeKeyholderAct does to a real Redis what somebody at its console
// can, and says for each what Keyholder makes of it with a seal key, what without, and what audit
// verify says.
func TestAHandThatWritesRedisCannotMakeKeyholderAct(t *testing.T) {
	t.Parallel()
	server := many(t)
	for _, c := range []struct {
		name string
		do   func(h *hand)
	}{
		{"the quorum is lowered in the state", quorumLowered},
		{"two records of people are edited to give delegations", delegationsGiven},
		{"machine and schema are renamed", renamed},
		{"an event is erased and the state rewritten", erasedAndRewritten},
		{"a card's place is pointed elsewhere", placePointedElsewhere},
		{"the newest event is cut off, and version and head follow", cutOff},
	} {
		for _, sealed := range []bool{true, false} {
			name := c.name + ", unsealed"
			if sealed {
				name = c.name + ", sealed"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				h := onHand(t, server, sealed)
				h.stopped()
				h.whole()
				c.do(h)
			})
		}
	}
}

func quorumLowered(h *hand) {
	h.rewrite(h.transfer(), `"quorum":2`, `"quorum":1`)
	if h.sealed {
		h.verified(h.id, "its seal does not vouch for its state", "its state is another than that of its events")
	} else {
		h.verified(h.id, "its state is another than that of its events")
	}
	h.run()
	h.insistVote(ana)
	if !h.sealed { // one word was enough: without a key the state is believed, as README says
		h.until("the invitation after one word", h.invited)
		return
	}
	h.heard(h.id)
	if !h.has(ben, "transfer.confirm") || h.invited() {
		h.t.Fatalf("one confirmation was enough\n%s", h.everything())
	}
	h.insistVote(ben)
	h.until("the invitation after two words", h.invited)
	h.stopped()
	h.whole() // the next commit made it whole
}

// delegationsGiven takes the record of somebody who once delegated, and makes one of somebody who never did.
func delegationsGiven(h *hand) {
	h.run()
	h.slash(ben, "delegate <@"+cat+"> 1d")
	h.slash(ben, "delegate off")
	person := func(id string) workflows.Ref { return workflows.Ref{Kind: workflows.KindPerson, ID: id} }
	h.until("Ben's record", func() bool {
		v, _ := h.c.HGet(context.Background(), h.key("record", person(ben)), "version").Result()
		return v == "2"
	})
	h.stopped()
	h.whole()
	state := func(from string) string {
		now := realTime().UTC().Truncate(time.Second)
		return fmt.Sprintf(`{"id":%q,"delegation":{"from":%q,"to":%q,"since":%q,"until":%q}}`, from, from, oli,
			now.Add(-time.Hour).Format(time.RFC3339), now.Add(24*time.Hour).Format(time.RFC3339))
	}
	h.set(h.key("record", person(ben)), "state", state(ben))
	h.set(h.key("record", person(cat)), "version", "1", "head", strings.Repeat("ab", 32), "machine", "person", "schema",
		"1", "state", state(cat),
		"last", fmt.Sprint(realTime().Add(-time.Hour).UnixMilli()))
	h.verified(ben+": its state is another than that of its events", cat+": ", "the index does not list it")
	h.run()
	m, block, ok := h.button(ana, "transfer.confirm")
	if !ok {
		h.t.Fatal("Ana's card has no button")
	}
	if _, err := h.slack.ClickForged(h.ctx, forged(oli, m, block, "transfer.confirm", h.id)); err != nil {
		h.t.Fatal(err)
	}
	if !h.sealed {
		h.until("a word for somebody who never gave it away", func() bool { return len(h.votesOf()) > 0 })
		return
	}
	h.until("Oli to be told that he may not", func() bool { return len(h.private(oli)) > 0 })
	if got := h.votesOf(); len(got) > 0 {
		h.t.Errorf("recorded: %v", got)
	}
	h.heard(ben)
	// Those who may decide still can.
	h.insistVote(ben)
	h.insistVote(ana)
	h.until("the invitation", h.invited)
}

func renamed(h *hand) {
	h.set(h.key("record", h.transfer()), "machine", "access", "schema", "7")
	h.verified(h.id + `: its machine is "access", its events are of "transfer"`)
	h.run()
	if h.sealed {
		h.insistVote(ana)
		h.insistVote(ben)
		h.until("the invitation", h.invited)
		h.heard(h.id)
		return
	}
	// Without a key it is taken for the state of a newer version, which is left alone.
	m, block, _ := h.button(ana, "transfer.confirm")
	if _, err := h.slack.Click(h.ctx, ana, m.Channel, m.TS, block, "transfer.confirm"); err != nil {
		h.t.Fatal(err)
	}
	h.until("Ana to be told", func() bool { return len(h.private(ana)) > 0 })
	if got := h.votesOf(); len(got) > 0 || h.invited() {
		h.t.Errorf("recorded: %v", got)
	}
}

// erase takes salt and body of an event away, as erasing does.
func (h *hand) erase(ref workflows.Ref, index int64) {
	h.t.Helper()
	ctx, key := context.Background(), h.key("events", ref)
	entry, err := h.c.LIndex(ctx, key, index).Result()
	if err != nil {
		h.t.Fatal(err)
	}
	header, _, _ := strings.Cut(entry, "\n")
	var fields map[string]any
	if err := json.Unmarshal([]byte(header), &fields); err != nil {
		h.t.Fatal(err)
	}
	delete(fields, "salt")
	fields["erased"] = true
	fields["at"] = json.Number(fmt.Sprintf("%.0f", fields["at"]))
	erased, err := json.Marshal(fields)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.c.LSet(ctx, key, index, string(erased)+"\n").Err(); err != nil {
		h.t.Fatal(err)
	}
}

func erasedAndRewritten(h *hand) {
	h.erase(h.transfer(), 0)
	h.rewrite(h.transfer(), `"quorum":2`, `"quorum":1`)
	h.verified(h.id + ": event 1 (transfer.requested) was erased, and nothing in the record allows it")
	h.run()
	if !h.sealed {
		h.insistVote(ana)
		h.until("the invitation after one word", h.invited)
		return
	}
	m, block, _ := h.button(ana, "transfer.confirm")
	if _, err := h.slack.Click(h.ctx, ana, m.Channel, m.TS, block, "transfer.confirm"); err != nil {
		h.t.Fatal(err)
	}
	h.until("Ana to be told", func() bool {
		list := h.private(ana)
		return len(list) > 0 && strings.Contains(list[len(list)-1].Text, "Somebody changed in Redis")
	})
	if got := h.votesOf(); len(got) > 0 || h.invited() {
		h.t.Errorf("recorded: %v", got)
	}
	h.heard(h.id)
}

func placePointedElsewhere(h *hand) {
	victim, err := h.slack.Post(ben, opsRoom, "Lunch at noon?", "")
	if err != nil {
		h.t.Fatal(err)
	}
	_, shard, _ := workflows.ParseID(h.id)
	places := fmt.Sprintf("kh:{%02d}:places:%s", shard, h.id)
	stored, err := h.c.HGet(context.Background(), places, "main/"+ana).Result()
	if err != nil {
		h.t.Fatal(err)
	}
	_, raw, sealed := strings.Cut(stored, " ")
	if sealed != h.sealed {
		h.t.Fatalf("a place is stored as %s", stored)
	}
	if !sealed {
		raw = stored
	}
	var p workflows.Place
	if err := json.Unmarshal([]byte(raw), &p); err != nil {
		h.t.Fatal(err)
	}
	was := p
	p.Channel, p.TS = opsRoom, victim
	forgedPlace, err := json.Marshal(p)
	if err != nil {
		h.t.Fatal(err)
	}
	h.set(places, "main/"+ana, strings.Replace(stored, raw, string(forgedPlace), 1))
	if h.sealed {
		h.verified(h.id + ": the place of its card main for U0ANA is not what Keyholder stored")
	} else {
		h.verified(h.id + ": its card main for U0ANA is said to stand in " + opsRoom)
	}
	h.run()
	h.insistVote(ben)
	if !h.sealed {
		return // Slack lets nobody change what another wrote; a message of Keyholder's own would have been changed
	}
	h.until("Ana's card to be posted again", func() bool {
		for _, m := range h.slack.Messages(h.slack.DM(ana)) {
			if m.TS != was.TS && strings.Contains(string(m.Metadata), "/main/") && strings.Contains(string(m.Blocks),
				"confirmed") {
				return true
			}
		}
		return false
	})
	h.heard(h.id)
	for _, m := range h.slack.Messages(opsRoom) {
		if m.TS == victim && m.Text != "Lunch at noon?" {
			h.t.Errorf("somebody's message reads %q", m.Text)
		}
	}
}

// cutOff leaves a chain that holds in itself, which a chain with events of another hand would as well.
func cutOff(h *hand) {
	ctx := context.Background()
	entries, err := h.c.LRange(ctx, h.key("events", h.transfer()), 0, -1).Result()
	if err != nil || len(entries) < 2 {
		h.t.Fatalf("%d events, %v", len(entries), err)
	}
	var before struct{ Link string }
	header, _, _ := strings.Cut(entries[len(entries)-2], "\n")
	if err := json.Unmarshal([]byte(header), &before); err != nil {
		h.t.Fatal(err)
	}
	if err := h.c.RPop(ctx, h.key("events", h.transfer())).Err(); err != nil {
		h.t.Fatal(err)
	}
	h.set(h.key("record", h.transfer()), "version", fmt.Sprint(len(entries)-1), "head", before.Link)
	h.verified(h.id)
	h.run()
	m, block, _ := h.button(ana, "transfer.confirm")
	if _, err := h.slack.Click(h.ctx, ana, m.Channel, m.TS, block, "transfer.confirm"); err != nil {
		h.t.Fatal(err)
	}
	if !h.sealed {
		return // the state is believed; verify and the checkpoints name the record
	}
	h.until("Ana to be told", func() bool {
		list := h.private(ana)
		return len(list) > 0 && strings.Contains(list[len(list)-1].Text, "Somebody changed in Redis")
	})
	if got := h.votesOf(); len(got) > 0 || h.invited() {
		h.t.Errorf("recorded: %v", got)
	}
	h.heard(h.id)
}
