package main

import (
	"reflect"
	"testing"
	"time"

	"github.com/keyholder/keyholder/bot/slacksim"
)

func TestWhatHappenedSinceAJumpIsToldOnceForAllWhoHeardIt(t *testing.T) {
	s := prepare(t, options{})
	if got := s.panelState(); got.Jumped || len(got.Happened) != 0 {
		t.Errorf("before any jump: %+v", got.Happened)
	}
	dms := map[string]string{}
	for _, who := range []string{ana, ben} {
		dms[who] = s.slack.OpenDM(who)
	}
	s.jumped.Store(time.Unix(10, 0).UnixMicro())
	card := func(channel string, at int64, text string) slacksim.Message {
		m := tourCard(at, "t01-X", "main", text)
		m.Channel = channel
		return m
	}
	edited := card(opsRoom, 5, "An old card, changed")
	edited.EditedTS = timestamp(11)
	answer := card(opsRoom, 14, "An answer")
	answer.Metadata, answer.EphemeralTo = nil, gus
	gone := card(opsRoom, 15, "Deleted")
	gone.Deleted = true
	got := s.happened([]slacksim.Message{card(dms[ana], 9, "Too old"), card(dms[ana], 21, "Of another cause"),
		{User: ana, Channel: opsRoom, TS: timestamp(12), Text: "A person"},
		card(dms[ben], 13, "A reminder"), card(dms[ana], 12, "A reminder"), card(dms[ana], 13, "A reminder"), edited,
		answer, gone})
	want := []happening{{[]string{"#integration-ops"}, "An old card, changed"}, {[]string{"Ana Silva", "Ben Novak"},
		"A reminder"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}
