package integratorsim

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

// signIns are the owner's sign-ins, the newest first, read page by page.
func (r *rig) signIns(query string, between func()) (ids []string) {
	r.Helper()
	for next := "/v1/audit?resourceType=user&action=signin&" + query; next != ""; {
		a := r.do("GET", next, "")
		for _, e := range a.list() {
			if e["byUser"].(map[string]any)["email"] == r.d.OwnerEmail {
				ids = append(ids, text(e, "_id"))
			}
		}
		next = ""
		for link := range strings.SplitSeq(a.header.Get("Link"), ",") {
			if address, rel, ok := strings.Cut(link, ">;"); ok && strings.Contains(rel, `"next"`) {
				u, err := url.Parse(strings.Trim(address, " <"))
				if err != nil {
					r.Fatal(err)
				}
				next = u.RequestURI()
			}
		}
		if between != nil {
			between()
		}
	}
	return ids
}

func TestTheOwnersSignInsStandInTheAuditLog(t *testing.T) {
	r := newRig(t, Options{})
	began := r.clock.Now()
	r.clock.Add(time.Hour)
	r.act(Action{Do: "sign_in", Email: r.d.OwnerEmail})
	r.clock.Add(11 * time.Hour)
	r.act(Action{Do: "sign_in", Email: r.d.OwnerEmail, Source: "sso"})
	r.act(Action{Do: "sign_in", Email: "dee@acme.example"})
	since := "from=" + url.QueryEscape(began.Format(time.RFC3339))
	list := r.do("GET", "/v1/audit?resourceType=user&action=signin&"+since, "").list()
	if len(list) != 3 || list[1]["source"] != "sso" || list[2]["source"] != "ui" || list[2]["event"] != "signin" ||
		text(list[2], "_resourceId") != r.s.State().Accounts[0].Owner.ID {
		t.Fatalf("%v", list)
	}
	if _, err := r.s.Act(Action{Do: "sign_in", Email: r.d.OwnerEmail, Source: "guess"}); err == nil {
		t.Error("signed in by a source that there is not")
	}
}

func TestPagesShiftWhileTheLogGrowsAndTheIDsTellEntriesApart(t *testing.T) {
	r := newRig(t, Options{PageSize: 3})
	began := r.clock.Now()
	for range 10 {
		r.clock.Add(time.Minute)
		r.act(Action{Do: "sign_in", Email: r.d.OwnerEmail})
	}
	grown := 0
	ids := r.signIns("limit=3&from="+url.QueryEscape(began.Format(time.RFC3339)), func() {
		if grown < 2 {
			grown++
			r.act(Action{Do: "sign_in", Email: "dee@acme.example"})
			r.act(Action{Do: "sign_in", Email: r.d.OwnerEmail})
		}
	})
	once := map[string]bool{}
	for _, id := range ids {
		once[id] = true
	}
	if len(once) == len(ids) {
		t.Error("no entry came twice: the pages did not shift")
	}
	if len(once) < 10 {
		t.Errorf("%d of the ten that were there at the beginning", len(once))
	}
}

func TestAPasswordIsResetByTheMailsLinkOnceAndInTime(t *testing.T) {
	r := newRig(t, Options{})
	reset := Action{Do: "reset_password", Email: r.d.OwnerEmail}
	refused := func(why string) {
		t.Helper()
		if _, err := r.s.Act(reset); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%v, want %q", err, why)
		}
	}
	refused("forgot_password comes first")
	r.act(Action{Do: "forgot_password", Email: "nobody@acme.example"}) // the page does not say who is known
	if n := len(r.s.Mails()); n != 0 {
		t.Fatalf("%d mails", n)
	}
	r.act(Action{Do: "forgot_password", Email: strings.ToUpper(r.d.OwnerEmail)})
	m := r.s.Mails()[0]
	if m.Kind != "password_reset" || m.To != r.d.OwnerEmail || m.Follow == nil || !strings.Contains(m.Link, m.ID) {
		t.Fatalf("%+v", m)
	}
	r.act(*m.Follow)
	refused("used already")
	r.act(Action{Do: "forgot_password", Email: r.d.OwnerEmail})
	r.clock.Add(61 * time.Minute)
	refused("older than an hour")
	if e := r.do("GET", "/v1/audit?resourceType=user", "").list()[0]; e["event"] != "update" ||
		strings.Contains(fmt.Sprint(e), "hunter") {
		t.Errorf("%v", e)
	}
}

func TestAMailboxThatIsOffGetsNothing(t *testing.T) {
	r := newRig(t, Options{})
	r.act(Action{Do: "mailbox_off", Email: "Jane@acme.example"})
	if !r.s.MailboxOff(r.d.OwnerEmail) || len(r.s.State().MailboxesOff) != 1 {
		t.Fatal("it is on")
	}
	r.act(Action{Do: "forgot_password", Email: r.d.OwnerEmail})
	if m := r.s.Mails(); len(m) != 1 || !m[0].Bounced {
		t.Fatalf("%+v", m)
	}
	if _, err := r.s.Act(Action{Do: "reset_password", Email: r.d.OwnerEmail}); err == nil {
		t.Error("a link that did not arrive was followed")
	}
	r.act(Action{Do: "mailbox_on", Email: r.d.OwnerEmail})
	if _, err := r.s.Act(Action{Do: "reset_password", Email: r.d.OwnerEmail}); err == nil {
		t.Error("what bounced arrives later")
	}
	r.act(Action{Do: "forgot_password", Email: r.d.OwnerEmail})
	r.act(Action{Do: "reset_password", Email: r.d.OwnerEmail})
}

func TestPersonalTokensHaveTheirMakersRightsAndEnd(t *testing.T) {
	r := newRig(t, Options{})
	prod := r.d.Account.Production()
	admin := prod.AddToken(Token{Name: "dee's", Kind: PersonalToken, Maker: "dee@acme.example"})
	plain := prod.AddToken(Token{Name: "ben's", Kind: PersonalToken, Maker: "ben@acme.example",
		PurgeAfter: 24 * time.Hour})
	limited := prod.AddToken(Token{Name: "limited", Kind: CustomToken,
		Scope: map[string][]string{"_connectionIds": {r.d.SharedConnection}}})
	r.as(admin, "GET", "/v1/ashares", "").want(200)
	r.as(plain, "GET", "/v1/audit", "").want(403)
	r.as(plain, "GET", "/v1/integrations", "").want(200)
	r.as(limited, "GET", "/v1/audit", "").want(403)
	byName := func() map[string]doc {
		out := map[string]doc{}
		for _, d := range r.do("GET", "/v1/accesstokens", "").list() {
			out[text(d, "name")] = d
		}
		return out
	}
	list := byName()
	dees, bens, lim := list["dee's"], list["ben's"], list["limited"]
	if dees["tokenType"] != "ashare" || dees["_aShareId"] != r.d.Shares["dee@acme.example"] ||
		dees["fullAccess"] != false || dees["autoPurgeAt"] != clock(r.clock.Now().Add(90*24*time.Hour)) {
		t.Errorf("dee's: %v", dees)
	}
	if _, ends := lim["autoPurgeAt"]; ends || lim["tokenType"] != nil || len(lim["_connectionIds"].([]any)) != 1 {
		t.Errorf("limited: %v", lim)
	}
	r.do("PUT", "/v1/accesstokens/"+text(bens, "_id"), `{"revoked":true}`).refused(403, "",
		"This personal access token is owned by another user")
	r.do("DELETE", "/v1/accesstokens/"+text(lim, "_id"), "").refused(422, "", "")
	r.clock.Add(25 * time.Hour)
	r.as(plain, "GET", "/v1/integrations", "").want(401)
	if _, there := byName()["ben's"]; there {
		t.Error("a token past its end is still listed")
	}
	r.act(Action{Do: "change_role", Email: "dee@acme.example", Role: "monitor"})
	r.as(admin, "GET", "/v1/audit", "").want(403)
	r.act(Action{Do: "remove_user", Email: "dee@acme.example"})
	r.as(admin, "GET", "/v1/integrations", "").want(401)
}
