package slacksim_test

import (
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"

	"github.com/keyholder/keyholder/bot/slacksim"
)

// change is what the tests look at of user_change and its kin.
type change struct {
	kind, user, text, emoji, tz string
	expires                     int
	deleted                     bool
}

func changeOf(t *testing.T, e socketmode.Event) change {
	t.Helper()
	switch d := e.Data.(slackevents.EventsAPIEvent).InnerEvent.Data.(type) {
	case *slackevents.UserChangeEvent:
		return change{d.Type, d.User.ID, d.User.Profile.StatusText, d.User.Profile.StatusEmoji, d.User.TZ,
			d.User.Profile.StatusExpiration, d.User.Deleted}
	case *slackevents.UserStatusChangedEvent:
		return change{d.Type, d.User.ID, d.User.Profile.StatusText, d.User.Profile.StatusEmoji, d.User.TZ,
			d.User.Profile.StatusExpiration, d.User.Deleted}
	case *slackevents.UserProfileChangedEvent:
		return change{kind: d.Type, tz: d.User.TZ}
	default:
		t.Errorf("an event of type %T", d)
		return change{}
	}
}

func TestTheAppHearsWhatBecomesOfPeople(t *testing.T) {
	var ahead atomic.Int64
	s, url := workspace(t, slacksim.Options{Events: []string{"user_change", "user_status_changed"},
		Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }})
	got := make(chan change, 20)
	a := connect(t, s, url, func(a *app, e socketmode.Event) { ack(a, e); got <- changeOf(t, e) })
	next := func(want ...change) {
		t.Helper()
		left := map[change]bool{}
		for _, w := range want {
			left[w] = true
		}
		for range want {
			select {
			case c := <-got:
				if !left[c] {
					t.Errorf("told %+v, want %+v", c, want)
				}
				delete(left, c)
			case <-ctx(t).Done():
				t.Fatalf("not told: %+v", left)
			}
		}
		if len(got) > 0 {
			t.Errorf("also told: %+v", <-got)
		}
	}
	until := time.Now().Add(time.Hour).Unix()
	away := change{"user_change", "UANA", "On holiday", ":palm_tree:", "Europe/London", int(until), false}
	_, res := do(t, request(t, "POST", url+"/_sim/update-user", "application/json",
		`{"id":"UANA","status_text":"On holiday","status_emoji":":palm_tree:","status_expiration":`+
			strconv.FormatInt(until, 10)+`}`))
	if res.StatusCode != 200 {
		t.Fatal(res.Status)
	}
	both := away
	both.kind = "user_status_changed"
	next(away, both)
	p, err := a.api.GetUserProfile(&slack.GetUserProfileParameters{UserID: "UANA"})
	if err != nil || p.StatusText != "On holiday" || p.StatusEmoji != ":palm_tree:" ||
		p.StatusExpiration != int(until) || p.Email != "ana@acme.example" {
		t.Errorf("users.profile.get: %+v %v", p, err)
	}
	u := must[*slack.User](t)(a.api.GetUserInfo("UANA"))
	if u.Profile.StatusText != "On holiday" || u.Profile.StatusExpiration != int(until) || u.TZ != "Europe/London" {
		t.Errorf("users.info: %+v", u)
	}
	s.UpdateUser("UANA", func(u *slacksim.User) { u.StatusText = "On holiday" }) // nothing new
	s.UpdateUser("UANA", func(u *slacksim.User) { u.TZ = "Asia/Tokyo" })
	away.tz = "Asia/Tokyo"
	next(away)
	if u := must[*slack.User](t)(a.api.GetUserInfo("UANA")); u.TZ != "Asia/Tokyo" || u.TZOffset != 9*3600 {
		t.Errorf("after the move: %s %d", u.TZ, u.TZOffset)
	}
	ahead.Store(int64(2 * time.Hour)) // the status ends by itself
	next(change{"user_change", "UANA", "", "", "Asia/Tokyo", 0, false}, change{"user_status_changed", "UANA", "", "",
		"Asia/Tokyo", 0, false})
	s.Deactivate("UBEN")
	next(change{kind: "user_change", user: "UBEN", deleted: true})
	if _, err := a.api.GetUserProfile(&slack.GetUserProfileParameters{UserID: "UNONE"}); err == nil ||
		err.Error() != "user_not_found" {
		t.Errorf("a stranger's profile: %v", err)
	}
}

func TestNobodyIsToldOfPeopleWithoutTheScope(t *testing.T) {
	s, url := workspace(t, slacksim.Options{Events: []string{"user_change", "message.im"},
		Scopes: []string{"im:history"}})
	got := make(chan string, 5)
	a := connect(t, s, url, func(a *app, e socketmode.Event) {
		ack(a, e)
		got <- e.Data.(slackevents.EventsAPIEvent).InnerEvent.Type
	})
	s.Deactivate("UBEN")
	must[string](t)(s.Post("UANA", s.OpenDM("UANA"), "hello", ""))
	if kind := <-got; kind != "message" {
		t.Errorf("told %s", kind)
	}
	if _, err := a.api.GetUserProfile(&slack.GetUserProfileParameters{UserID: "UANA"}); err == nil ||
		!strings.Contains(err.Error(), "missing_scope") {
		t.Errorf("a profile without users.profile:read: %v", err)
	}
}
