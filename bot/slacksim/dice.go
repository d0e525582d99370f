package slacksim

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
)

// dice decides about random faults and the choice of a connection. A throw depends on the seed, on
// what is thrown for (a method or kind of envelope), on whom it concerns (the key: a conversation,
// person, view) and on how many throws there were for the same before; never on what else happened
// meanwhile. So traffic that arrives in another order among conversations or people meets the same
// fate, and a rule that is injected shifts nothing.
type dice struct {
	seed   uint64
	thrown map[string]uint64
	storms map[string]int // calls of a 429 storm still to come
}

func newDice(seed uint64) dice {
	return dice{seed: seed, thrown: map[string]uint64{}, storms: map[string]int{}}
}

// throw returns the source of the next throw for these parts.
func (d *dice) throw(parts ...string) *rand.Rand {
	what := strings.Join(parts, "\x00")
	n := d.thrown[what]
	d.thrown[what]++
	h := fnv.New64a()
	_, _ = h.Write([]byte(what)) // a hash never fails
	_, _ = h.Write(binary.LittleEndian.AppendUint64(nil, n))
	return rand.New(rand.NewPCG(d.seed, h.Sum64()))
}

// next makes the key of the next of several things that share a key.
func (d *dice) next(key string) string {
	d.thrown["next\x00"+key]++
	return fmt.Sprintf("%s #%d", key, d.thrown["next\x00"+key])
}

// callKey says whom a call concerns, in words that are the same in every run: a direct message and a view are named by
// their person, for their ids are drawn in the order in which they came to be.
func (s *Server) callKey(args params) string {
	var l []string
	add := func(v string) {
		if v != "" && !slices.Contains(l, v) {
			l = append(l, v)
		}
	}
	for _, k := range []string{"channel", "channel_id"} {
		add(s.placeName(args.str(k)))
	}
	for _, k := range []string{"user", "user_id", "users", "email", "usergroup", "filename"} {
		add(args.str(k))
	}
	for _, k := range []string{"trigger_id", "interactivity_pointer"} {
		if t := s.triggers[args.str(k)]; t != nil {
			add(t.user)
		}
	}
	if v := s.viewNamed(args.str("view_id"), args.str("external_id")); v != nil {
		add(v.user + "/" + asString(v.def["callback_id"]))
	}
	return strings.Join(l, " ")
}

// placeName names a conversation the same in every run.
func (s *Server) placeName(id string) string {
	if s.users[id] != nil {
		return "dm:" + id
	}
	ch := s.channels[id]
	switch {
	case ch == nil:
		return id
	case ch.im || ch.mpim:
		people := slices.DeleteFunc(slices.Sorted(slices.Values(ch.Members)), func(u string) bool {
			return u == s.opt.BotUserID
		})
		return "dm:" + strings.Join(people, ",")
	}
	return id
}

// envelopeKey says whom an envelope concerns and what they did, as callKey does for calls.
func (s *Server) envelopeKey(payload obj) string {
	event, view := asObj(payload["event"]), asObj(payload["view"])
	l := []string{asString(payload["type"]), asString(asObj(payload["user"])["id"]), asString(payload["user_id"]),
		asString(payload["command"]),
		s.placeName(asString(payload["channel_id"])), s.placeName(asString(asObj(payload["channel"])["id"])),
		asString(payload["callback_id"]),
		asString(view["callback_id"]), asString(event["type"]), asString(event["user"]),
		s.placeName(asString(event["channel"])), asString(event["tab"])}
	for _, a := range asList(payload["actions"]) {
		l = append(l, asString(asObj(a)["action_id"]))
	}
	return strings.Join(l, " ")
}
