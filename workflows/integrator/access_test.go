package integrator

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

// sent is what a Gateway wrote.
type sent struct {
	mu     sync.Mutex
	writes []string // "METHOD path body"
}

func (s *sent) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.writes)
}

// tap notes the writes on their way to h.
func (s *sent) tap(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			raw, _ := io.ReadAll(r.Body)
			s.mu.Lock()
			s.writes = append(s.writes, strings.TrimSpace(r.Method+" "+r.URL.Path+" "+string(raw)))
			s.mu.Unlock()
			r.Body = io.NopCloser(strings.NewReader(string(raw)))
		}
		h.ServeHTTP(w, r)
	})
}

// tapped is a world whose writes are noted.
func tapped(t *testing.T) (*world, *sent) {
	w, s := newWorld(t, integratorsim.Options{}), &sent{}
	w.bench = newBench(t, s.tap(w.sim), w.token)
	return w, s
}

func custom(manage, monitor []string) workflows.Access {
	return workflows.Access{Role: workflows.RoleCustom, Manage: manage, Monitor: monitor}
}

func level(role string) workflows.Access { return workflows.Access{Role: role} }

func (b *bench) mustDo(call workflows.Call) *workflows.Receipt {
	b.t.Helper()
	_, out := b.drive(call)
	if !out.Done || out.Receipt == nil {
		b.t.Fatalf("%s: outcome %+v, receipt %+v", call.Op, out, out.Receipt)
	}
	return out.Receipt
}

func (b *bench) mustRefuse(call workflows.Call, code string) string {
	b.t.Helper()
	_, out := b.drive(call)
	if !out.Refused || out.Receipt.Code != code {
		b.t.Fatalf("%s: want %s; outcome %+v, receipt %+v", call.Op, code, out, out.Receipt)
	}
	return out.Receipt.Message
}

// The invitation holds the address and exactly the access agreed: what is not agreed is not even named.
func TestGrantSendsExactlyTheAccess(t *testing.T) {
	for _, c := range []struct {
		name string
		sso  bool
		want func(a, b string) workflows.Access
		body string // A and B stand for the integrations
	}{
		{"monitor", true, func(_, _ string) workflows.Access {
			return level("monitor")
		}, `{"email":"fresh@acme.example","accessLevel":"monitor"}`},
		{"manage", false, func(_, _ string) workflows.Access {
			return level("manage")
		}, `{"email":"fresh@acme.example","accessLevel":"manage"}`},
		{"manage with left-over grants", false, func(a, _ string) workflows.Access {
			return workflows.Access{Role: "manage", Manage: []string{a}}
		}, `{"email":"fresh@acme.example","accessLevel":"manage"}`},
		{"administrator", false, func(_, _ string) workflows.Access { return level("administrator") },
			`{"email":"fresh@acme.example","accessLevel":"administrator","accountMFARequired":true}`},
		{"administrator with SSO", true, func(_, _ string) workflows.Access { return level("administrator") },
			`{"email":"fresh@acme.example","accessLevel":"administrator","accountSSORequired":true}`},
		{"custom", false, func(a, b string) workflows.Access { return custom([]string{b}, []string{a, a}) },
			`{"email":"fresh@acme.example","integrationAccessLevel":[{"_integrationId":"B","accessLevel":"manage"},{"_integrationId":"A","accessLevel":"monitor"}]}`},
		{"hybrid", false, func(a, _ string) workflows.Access { return custom([]string{a}, []string{AllIntegrations}) },
			`{"email":"fresh@acme.example","accessLevel":"monitor","integrationAccessLevel":[{"_integrationId":"A","accessLevel":"manage"}]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w, s := tapped(t)
			a, b := w.acct.Production().AddIntegration("A"), w.acct.Production().AddIntegration("B")
			if c.sso {
				w.acct.SetSSO("https://sso.example", "acme")
			}
			want := c.want(a, b)
			r := w.mustDo(workflows.Call{Op: workflows.OpGrant, Email: fresh, Access: &want})
			body := strings.NewReplacer(`"A"`, `"`+a+`"`, `"B"`, `"`+b+`"`).Replace(c.body)
			if got := s.all(); len(got) != 1 || got[0] != "POST /v1/invite "+body {
				t.Errorf("sent %q, want one %s", got, body)
			}
			if r.User == nil || r.User.Status != "pending" || r.User.Role != want.Role ||
				r.User.Via != "existing_account_invite" || r.User.Since.IsZero() {
				t.Errorf("receipt %+v", r.User)
			}
			if r.User.MFA != strings.Contains(c.body, "MFA") || r.User.SSO != strings.Contains(c.body, "SSO") {
				t.Errorf("second factor %+v", r.User)
			}
			if w.mustDo(workflows.Call{Op: workflows.OpGrant, Email: strings.ToUpper(fresh), Access: &want}); len(
				s.all()) != 1 {
				t.Errorf("a second delivery sent %q", s.all()[1:])
			}
		})
	}
}

// An SSO client that is switched off signs nobody in.
func TestGrantIgnoresADisabledSSOClient(t *testing.T) {
	s := &sent{}
	const rec = `{"_id":"u1","accessLevel":"administrator","accountMFARequired":true,"sharedWithUser":{"email":"fresh@acme.example"}}`
	b := newBench(t, s.tap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/v1/ssoclients":
			say(200, `[{"_id":"s","type":"oidc","disabled":true}]`)(w, r)
		case r.Method == http.MethodPost:
			say(200, rec)(w, r) // 200, where ours says 201
		case r.URL.Path == "/v1/ashares/u1":
			say(200, rec)(w, r)
		default:
			w.WriteHeader(204)
		}
	})), "tok")
	want := level("administrator")
	if r := b.mustDo(workflows.Call{Op: workflows.OpGrant, Email: fresh, Access: &want}); !r.User.MFA ||
		!strings.Contains(s.all()[0], `"accountMFARequired":true`) {
		t.Errorf("sent %q, receipt %+v", s.all(), r.User)
	}
}

func TestGrantAdoptsOnlyTheVeryAccess(t *testing.T) {
	for _, status := range []string{"pending", "dismissed", "accepted", "disabled"} {
		for _, same := range []bool{true, false} {
			t.Run(fmt.Sprint(status, same), func(t *testing.T) {
				t.Parallel()
				w, s := tapped(t)
				in := w.acct.Production().AddIntegration("Orders")
				has := "monitor"
				if same {
					has = "manage"
				}
				w.acct.Production().AddUser(integratorsim.User{Email: fresh, Role: "custom", Status: status,
					Integrations: []integratorsim.Grant{{IntegrationID: in, AccessLevel: has}}})
				want := custom([]string{in}, nil)
				call := workflows.Call{Op: workflows.OpGrant, Email: fresh, Access: &want}
				if !same {
					if m := w.mustRefuse(call, workflows.RefusedAlreadyUser); !strings.Contains(m, "monitor on "+in) {
						t.Errorf("message %q", m)
					}
					if len(s.all()) != 0 {
						t.Errorf("wrote %q", s.all())
					}
					return
				}
				r := w.mustDo(call)
				if a := r.User.Access(); a.Mark() != want.Mark() || r.User.Status == "dismissed" ||
					r.User.Disabled != (status == "disabled") {
					t.Errorf("receipt %+v", r.User)
				}
				wrote := s.all()
				again := len(wrote) == 1 && strings.HasSuffix(wrote[0], "/reinvite")
				if again != (status == "dismissed") || len(wrote) > 1 {
					t.Errorf("wrote %q", wrote)
				}
			})
		}
	}
}

func TestAccessThatCannotBeGiven(t *testing.T) {
	w, s := tapped(t)
	for name, a := range map[string]*workflows.Access{
		"none at all": nil, "owner": {Role: "owner"}, "tile": {Role: "tile"}, "no role": {},
		"nothing on nothing": {Role: "custom"}, "none": {Role: "none"},
		"all, alone": {Role: "custom", Monitor: []string{AllIntegrations}}, "manage all by sign": {Role: "custom",
			Manage: []string{AllIntegrations}},
		"an empty ID": {Role: "custom", Manage: []string{""}}, "a level we do not know": {Role: "custom",
			Manage: []string{"x=admin"}},
	} {
		for _, op := range []string{workflows.OpGrant, workflows.OpChangeAccess} {
			if name == "none" && op == workflows.OpChangeAccess {
				continue // a user may have had none before
			}
			if out := w.deliver(workflows.Call{Op: op, Email: mona, Access: a}, 0); !out.Refused ||
				out.Receipt.Code != workflows.RefusedOther {
				t.Errorf("%s %s: outcome %+v, receipt %+v", op, name, out, out.Receipt)
			}
		}
	}
	if len(s.all()) != 0 || len(w.sim.Log()) != 0 {
		t.Errorf("asked %+v", w.sim.Log())
	}
}

func TestGrantRefusals(t *testing.T) {
	w := newWorld(t, integratorsim.Options{})
	w.acct.SetSeats(3)
	monitor := level("monitor")
	call := workflows.Call{Op: workflows.OpGrant, Email: fresh, Access: &monitor}
	w.mustRefuse(call, workflows.RefusedNoSeats)
	owner := call
	owner.Email = jane // in no list, so only integrator.io knows
	w.mustRefuse(owner, workflows.RefusedAlreadyUser)
	stranger := custom([]string{"5e44efa28015c9464272256f"}, nil)
	w.acct.SetSeats(0)
	w.mustRefuse(workflows.Call{Op: workflows.OpGrant, Email: fresh, Access: &stranger}, workflows.RefusedOther)
	for _, token := range []integratorsim.Token{{LostRights: true}, {Kind: integratorsim.CustomToken}} {
		w.bench = newBench(t, w.sim, w.acct.Production().AddToken(token))
		w.mustRefuse(call, workflows.RefusedForbidden)
		change := workflows.Call{Op: workflows.OpChangeAccess, Email: dee, Access: &monitor}
		w.mustRefuse(change, workflows.RefusedForbidden)
		w.mustRefuse(workflows.Call{Op: workflows.OpRemoveAccess, Email: dee}, workflows.RefusedForbidden)
	}
	call.Account = "bare"
	w.mustRefuse(call, workflows.RefusedNoToken)
	if n := effects(w, "POST /v1/invite"); n != 0 {
		t.Errorf("%d invitations", n)
	}
}

// What integrator.io made of the invitation is compared, and another access than the agreed one is told in words.
func TestGrantThatIsNotWhatWasAgreedIsTold(t *testing.T) {
	for got, words := range map[string]string{
		`"accessLevel":"manage"`:        "shows manage instead of administrator",
		`"accessLevel":"administrator"`: "neither a second factor nor SSO",
		`"accessLevel":"monitor","integrationAccessLevel":[{"_integrationId":"i","accessLevel":"manage"}]`: "custom (manage on i; monitor on all)",
	} {
		s := &sent{}
		rec := `{"_id":"u1",` + got + `,"sharedWithUser":{"email":"fresh@acme.example"}}`
		b := newBench(t, s.tap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.Method == http.MethodPost:
				say(201, rec)(w, r)
			case r.URL.Path == "/v1/ashares/u1":
				say(200, rec)(w, r)
			default:
				w.WriteHeader(204)
			}
		})), "tok")
		want := level("administrator")
		if m := b.mustRefuse(workflows.Call{Op: workflows.OpGrant, Email: fresh, Access: &want},
			workflows.RefusedOther); !strings.Contains(m, words) || len(s.all()) != 1 {
			t.Errorf("message %q after %q", m, s.all())
		}
	}
}

// An invitation that was answered is sent once, however long the list is old.
func TestGrantIsNotRepeatedWhileItDoesNotShow(t *testing.T) {
	s := &sent{}
	b := newBench(t, s.tap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			say(201, `{"_id":"u1","accessLevel":"monitor","sharedWithUser":{"email":"fresh@acme.example"}}`)(w, r)
		case r.URL.Path == "/v1/ashares":
			say(200, `[{"_id":"u0","sharedWithUser":{"email":"x@acme.example"}}]`)(w, r)
		default:
			w.WriteHeader(404)
		}
	})), "tok")
	want := level("monitor")
	b.mustRefuse(workflows.Call{Op: workflows.OpGrant, Email: fresh, Access: &want}, workflows.RefusedOther)
	if len(s.all()) != 1 {
		t.Errorf("sent %q", s.all())
	}
}

// oneRecord is an integrator.io with one user, whose record is what the last PUT sent.
func oneRecord(rec string) http.Handler {
	var mu sync.Mutex
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case r.Method == http.MethodPut:
			raw, _ := io.ReadAll(r.Body)
			rec = string(raw)
			w.WriteHeader(204)
		case r.URL.Path == "/v1/ssoclients":
			w.WriteHeader(204)
		case r.URL.Path == "/v1/ashares":
			say(200, "["+rec+"]")(w, r)
		default:
			say(200, rec)(w, r)
		}
	})
}

// PUT erases what it leaves out, so every field goes back in the very bytes that were read.
func TestChangeKeepsWhatItDoesNotChange(t *testing.T) {
	const foreign = `"allowToEditRetryData":true,"allowAccessToAPIM":false,"disabled":true,"mcpServerAccessLevel":[{"_mcpServerId":"m","scopes":["mcp:read"]}],` +
		`"someNewField":{"b":1.50,"a":[9007199254740993,null,"<&>é\u0041"]},"createdVia":7,"sharedWithUser":{"email":"mona@acme.example","name":"M"}`
	const start = `{"_id":"u1","accepted":true,"accessLevel":"monitor","integrationAccessLevel":[{"_integrationId":"i","accessLevel":"manage","since":"x"}],` + foreign + `}`
	hybrid := custom([]string{"i"}, []string{AllIntegrations})
	for name, c := range map[string]struct {
		want     workflows.Access
		present  map[string]string // what must differ from the start
		gone     bool              // accessLevel is left out
		required *workflows.Required
	}{
		"manage": {level("manage"), map[string]string{"accessLevel": `"manage"`, "integrationAccessLevel": `[]`}, false,
			nil},
		"administrator": {level("administrator"), map[string]string{"accessLevel": `"administrator"`,
			"integrationAccessLevel": `[]`,
			"accountMFARequired":     `true`}, false, nil},
		"back, with what was required before": {level("manage"), map[string]string{"accessLevel": `"manage"`,
			"integrationAccessLevel": `[]`,
			"accountMFARequired":     `false`, "accountSSORequired": `true`}, false, &workflows.Required{SSO: true}},
		"none": {level("none"), map[string]string{"integrationAccessLevel": `[]`}, true, nil},
		"custom": {custom([]string{"i", "j"}, []string{"k"}),
			map[string]string{"integrationAccessLevel": `[{"_integrationId":"i","accessLevel":"manage","since":"x"},` +
				`{"_integrationId":"j","accessLevel":"manage"},{"_integrationId":"k","accessLevel":"monitor"}]`}, true,
			nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &sent{}
			b := newBench(t, s.tap(oneRecord(start)), "tok")
			r := b.mustDo(workflows.Call{Op: workflows.OpChangeAccess, Email: mona, Access: &c.want,
				Known: hybrid.Mark(), Required: c.required})
			if a := r.User.Access(); a.Mark() != c.want.Mark() || !r.User.Disabled || r.User.Name != "M" ||
				r.User.Via != "" {
				t.Errorf("receipt %+v", r.User)
			}
			var was, is map[string]json.RawMessage
			body, isPut := strings.CutPrefix(s.all()[0], "PUT /v1/ashares/u1 ")
			if !isPut || len(s.all()) != 1 || json.Unmarshal([]byte(start), &was) != nil || json.Unmarshal([]byte(body),
				&is) != nil {
				t.Fatalf("sent %q", s.all())
			}
			for k, v := range c.present {
				was[k] = json.RawMessage(v)
			}
			if c.gone {
				delete(was, "accessLevel")
			}
			if len(was) != len(is) {
				t.Errorf("sent %s", body)
			}
			for k, v := range was {
				if string(is[k]) != string(v) {
					t.Errorf("%s: sent %s, want %s", k, is[k], v)
				}
			}
			// And back: what the reading said is enough to restore it.
			if r = b.mustDo(workflows.Call{Op: workflows.OpChangeAccess, Email: mona, Access: &hybrid,
				Known: c.want.Mark()}); r.User.Access().Mark() != hybrid.Mark() {
				t.Errorf("restored to %+v", r.User)
			}
			back := map[string]json.RawMessage{}
			_, body, _ = strings.Cut(s.all()[1], " /v1/ashares/u1 ")
			if json.Unmarshal([]byte(body), &back) != nil || string(back["accessLevel"]) != `"monitor"` ||
				len(back) != len(was)+map[bool]int{true: 1}[c.gone] ||
				!strings.Contains(string(back["integrationAccessLevel"]),
					`[{"_integrationId":"i","accessLevel":"manage"`) {
				t.Errorf("restored by %s", body)
			}
		})
	}
}

// Monitor-all with single integrations to manage is neither monitor nor a custom role without a
// level, and survives a change and its end.
func TestHybridIsRestoredExactly(t *testing.T) {
	w := newWorld(t, integratorsim.Options{})
	env := w.acct.Production()
	a, b := env.AddIntegration("A"), env.AddIntegration("B")
	grants := []integratorsim.Grant{{IntegrationID: b, AccessLevel: "monitor"},
		{IntegrationID: a, AccessLevel: "manage"}}
	env.AddUser(integratorsim.User{Email: mona, Role: "monitor", Integrations: grants, MFARequired: true})
	before, _ := w.acct.Snapshot().User(0, mona)
	read := w.mustDo(workflows.Call{Op: workflows.OpReadAccess, Email: mona}).Access
	was := read.User.Access()
	if want := custom([]string{a}, []string{AllIntegrations, b}); was.Mark() != want.Mark() ||
		was.Mark() == level("monitor").Mark() ||
		was.Mark() == custom([]string{a}, []string{b}).Mark() {
		t.Fatalf("read as %+v", was)
	}
	for _, step := range []workflows.Access{level("monitor"), level("administrator"), custom([]string{a}, []string{b}),
		custom([]string{b}, []string{AllIntegrations}), level("none")} {
		w.mustDo(workflows.Call{Op: workflows.OpChangeAccess, Email: mona, Access: &step, Known: was.Mark()})
		w.mustDo(workflows.Call{Op: workflows.OpChangeAccess, Email: mona, Access: &was, Known: step.Mark()})
		after, _ := w.acct.Snapshot().User(0, mona)
		slices.SortFunc(after.Grants, func(x, y integratorsim.Grant) int {
			return strings.Compare(y.AccessLevel, x.AccessLevel)
		})
		if fmt.Sprintf("%+v", after) != fmt.Sprintf("%+v", before) {
			t.Errorf("after %+v: %+v, was %+v", step, after, before)
		}
	}
	w.mustDo(workflows.Call{Op: workflows.OpSetRole, Email: mona, Role: "monitor"})
	if u, _ := w.acct.Snapshot().User(0, mona); len(u.Grants) != 0 {
		t.Errorf("a hybrid was taken for monitor: %+v", u)
	}
}

// Whatever the access, what is written reads back as the same.
func TestAccessSurvivesTheWire(t *testing.T) {
	ids := rapid.SliceOfN(rapid.StringMatching(`[0-9a-f]{3}`), 0, 5)
	rapid.Check(t, func(t *rapid.T) {
		a := workflows.Access{Role: rapid.SampledFrom([]string{"administrator", "manage", "monitor", "custom",
			"none"}).Draw(t, "role"),
			Manage: ids.Draw(t, "manage"), Monitor: ids.Draw(t, "monitor")}
		if rapid.Bool().Draw(t, "all") {
			a.Monitor = append(a.Monitor, AllIntegrations)
		}
		want, err := wanted(workflows.Call{Op: workflows.OpChangeAccess, Email: fresh, Access: &a})
		if err != nil {
			return
		}
		rec := ashare{}
		var grants []grantEntry
		rec.AccessLevel, grants = wire(want)
		rec.IntegrationAccessLevel = merged(rec, grants)
		if got := rec.user().Access(); got.Mark() != want.Mark() {
			t.Fatalf("%+v came back as %+v", want, got)
		}
		if again := merged(rec, grants); len(again) != len(rec.IntegrationAccessLevel) {
			t.Fatalf("writing twice grows %v to %v", rec.IntegrationAccessLevel, again)
		}
	})
}

func TestChangeIsNotMadeOnAnotherAccess(t *testing.T) {
	w, s := tapped(t)
	manage := level("manage")
	w.mustRefuse(workflows.Call{Op: workflows.OpChangeAccess, Email: mona, Access: &manage, Known: "custom[a;]"},
		workflows.RefusedChanged)
	w.mustRefuse(workflows.Call{Op: workflows.OpRemoveAccess, Email: mona, Known: "manage"}, workflows.RefusedChanged)
	w.mustRefuse(workflows.Call{Op: workflows.OpChangeAccess, Email: fresh, Access: &manage, Known: "monitor"},
		workflows.RefusedNotUser)
	if len(s.all()) != 0 {
		t.Errorf("wrote %q", s.all())
	}
	monitor := level("monitor") // the wanted access is success, whatever was known
	if r := w.mustDo(workflows.Call{Op: workflows.OpChangeAccess, Email: mona, Access: &monitor,
		Known: "manage"}); r.User.Role != "monitor" || len(s.all()) != 0 {
		t.Errorf("receipt %+v, wrote %q", r.User, s.all())
	}
	w.mustDo(workflows.Call{Op: workflows.OpChangeAccess, Email: mona, Access: &manage})
	if _, out := w.drive(workflows.Call{Op: workflows.OpRemoveAccess, Email: fresh, Known: "monitor"}); !out.Done ||
		out.Receipt.User != nil {
		t.Errorf("removing nobody: %+v", out.Receipt)
	}
}

// Somebody else's change between the list and the record is seen: the record is what counts.
func TestRemoveAsksTheRecordNotTheList(t *testing.T) {
	s := &sent{}
	b := newBench(t, s.tap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		const rest = `"_id":"u1","accepted":true,"sharedWithUser":{"email":"mona@acme.example"}}`
		if r.URL.Path == "/v1/ashares" {
			say(200, `[{"accessLevel":"monitor",`+rest+`]`)(w, r)
			return
		}
		say(200, `{"accessLevel":"manage",`+rest)(w, r)
	})), "tok")
	b.mustRefuse(workflows.Call{Op: workflows.OpRemoveAccess, Email: mona, Known: "monitor"}, workflows.RefusedChanged)
	if len(s.all()) != 0 {
		t.Errorf("wrote %q", s.all())
	}
}

// Gaining administrator requires a second factor, or SSO where the account has it; never both, and
// not SSO of somebody who signs in to another account by it, whom it would lock out.
func TestGainingAdministrator(t *testing.T) {
	for name, c := range map[string]struct {
		user     integratorsim.User
		sso      bool
		mfa, req bool
	}{
		"no SSO":               {integratorsim.User{}, false, true, false},
		"SSO":                  {integratorsim.User{}, true, false, true},
		"SSO elsewhere":        {integratorsim.User{SSOLinked: "other_account"}, true, true, false},
		"SSO, MFA required":    {integratorsim.User{MFARequired: true}, true, true, false},
		"SSO required already": {integratorsim.User{SSORequired: true}, true, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, s := tapped(t)
			if c.sso {
				w.acct.SetSSO("https://sso.example", "acme")
			}
			c.user.Email, c.user.Role = fresh, "manage"
			w.acct.Production().AddUser(c.user)
			admin, manage := level("administrator"), level("manage")
			r := w.mustDo(workflows.Call{Op: workflows.OpChangeAccess, Email: fresh, Access: &admin, Known: "manage"})
			if r.User.MFA != c.mfa || r.User.SSO != c.req || r.User.Role != "administrator" {
				t.Errorf("receipt %+v", r.User)
			}
			r = w.mustDo(workflows.Call{Op: workflows.OpChangeAccess, Email: fresh, Access: &manage,
				Known: "administrator"})
			if r.User.MFA != c.mfa || r.User.SSO != c.req || len(s.all()) != 2 {
				t.Errorf("losing administrator: %+v, wrote %q", r.User, s.all())
			}
		})
	}
}

func TestChangeThatDoesNotHoldIsTold(t *testing.T) {
	s := &sent{}
	b := newBench(t, s.tap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		const rec = `{"_id":"u1","accepted":true,"accessLevel":"monitor","sharedWithUser":{"email":"mona@acme.example"}}`
		switch {
		case r.Method == http.MethodPut:
			w.WriteHeader(204)
		case r.URL.Path == "/v1/ashares/u1":
			say(200, rec)(w, r)
		default:
			say(200, "["+rec+"]")(w, r)
		}
	})), "tok")
	manage := level("manage")
	call := workflows.Call{Op: workflows.OpChangeAccess, Email: mona, Access: &manage, Known: "monitor"}
	for range 3 { // without waiting nothing is sent again
		if out := b.deliver(call, 0); !out.Again || len(s.all()) != 1 {
			t.Fatalf("outcome %+v after %q", out, s.all())
		}
	}
	if m := b.mustRefuse(call, workflows.RefusedOther); !strings.Contains(m, "shows monitor instead of manage") {
		t.Errorf("message %q", m)
	}
}

// What took effect is not written again, however its answer was lost and even if the first reading after it is old.
func TestUnclearChangeIsNotRepeated(t *testing.T) {
	for _, f := range []integratorsim.Fault{{Kind: integratorsim.FaultAfter, Status: 500},
		{Kind: integratorsim.FaultDropAfter}, {Kind: integratorsim.FaultStale}} {
		t.Run(string(f.Kind), func(t *testing.T) {
			t.Parallel()
			w, s := tapped(t)
			f.Method, f.Path = "PUT", "/v1/ashares/*"
			if f.Kind == integratorsim.FaultStale {
				f.Method = "GET"
			}
			w.fault(f)
			if f.Method == "PUT" {
				w.fault(integratorsim.Fault{Kind: integratorsim.FaultStale, Method: "GET", Path: "/v1/ashares/*"})
			}
			manage := level("manage")
			r := w.mustDo(workflows.Call{Op: workflows.OpChangeAccess, Email: mona, Access: &manage, Known: "monitor"})
			if len(s.all()) != 1 || r.User.Mark() != "accepted/manage" {
				t.Errorf("receipt %+v, wrote %q", r.User, s.all())
			}
		})
	}
}

// A level that this version does not know is shown, equals nothing, and is not erased.
func TestUnknownLevelsAreLeftAlone(t *testing.T) {
	s := &sent{}
	const rec = `{"_id":"u1","accepted":true,"integrationAccessLevel":[{"_integrationId":"i","accessLevel":"manage"},{"_integrationId":"j","accessLevel":"audit"},null],` +
		`"sharedWithUser":{"email":"mona@acme.example"}}`
	b := newBench(t, s.tap(oneRecord(rec)), "tok")
	read := b.mustDo(workflows.Call{Op: workflows.OpReadAccess, Email: mona}).Access
	if !slices.Contains(read.User.Manage, "j=audit") || read.User.Role != "custom" {
		t.Errorf("read %+v", read.User)
	}
	same, manage := custom([]string{"i"}, nil), level("manage")
	for _, want := range []*workflows.Access{&same, &manage} {
		b.mustRefuse(workflows.Call{Op: workflows.OpChangeAccess, Email: mona, Access: want,
			Known: read.User.Access().Mark()}, workflows.RefusedOther)
		b.mustRefuse(workflows.Call{Op: workflows.OpGrant, Email: mona, Access: want}, workflows.RefusedAlreadyUser)
	}
	if len(s.all()) != 0 {
		t.Errorf("wrote %q", s.all())
	}
}

func TestAccessInAnEnvironment(t *testing.T) {
	w := newWorld(t, integratorsim.Options{})
	sandbox := w.acct.AddEnvironment("Sandbox")
	in := sandbox.AddIntegration("Only here")
	acct := w.g.accounts["acme"]
	acct.Tokens = map[string]string{"": w.token, "Sandbox": sandbox.AddToken(integratorsim.Token{})}
	w.g.accounts["acme"] = acct
	want, monitor := custom([]string{in}, nil), level("monitor")
	mark := func() string {
		w.t.Helper()
		return w.mustDo(workflows.Call{Op: workflows.OpReadAccess, Email: fresh,
			Environment: "Sandbox"}).Access.User.Mark()
	}
	w.mustDo(workflows.Call{Op: workflows.OpGrant, Email: fresh, Environment: "Sandbox", Access: &want})
	if got := mark(); got != "pending/"+want.Mark() {
		t.Errorf("granted as %q", got)
	}
	w.mustDo(workflows.Call{Op: workflows.OpChangeAccess, Email: fresh, Environment: "Sandbox", Access: &monitor,
		Known: want.Mark()})
	if got := mark(); got != "pending/monitor" {
		t.Errorf("changed to %q", got)
	}
	if _, there := w.acct.Snapshot().User(0, fresh); there {
		t.Error("production was touched")
	}
	r := w.mustDo(workflows.Call{Op: workflows.OpRemoveAccess, Email: fresh, Environment: "Sandbox", Known: "monitor"})
	if r.User.Mark() != "pending/monitor" || mark() != "absent" {
		t.Errorf("removed %+v, now %s", r.User, mark())
	}
	w.mustRefuse(workflows.Call{Op: workflows.OpGrant, Email: fresh, Environment: "Elsewhere", Access: &want},
		workflows.RefusedNoToken)
}
