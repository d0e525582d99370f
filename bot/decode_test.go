package bot

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/keyholder/keyholder/bot/roster"
	"github.com/keyholder/keyholder/workflows"
)

func onlyTransfer(m string) bool { return m == "transfer" }

const (
	goodClick = `{"type":"block_actions","user":{"id":"UANA","team_id":"T1"},"trigger_id":"1.2.x","response_url":"https://hooks.slack.example/x",
 "channel":{"id":"D1"},"container":{"type":"message","message_ts":"1.1","channel_id":"D1","thread_ts":"1.0"},"message":{"blocks":[{"type":"something_new","x":[1]}]},
 "actions":[{"type":"button","action_id":"transfer.confirm","block_id":"transfer:3","value":"t07-7KQ2M9XA","action_ts":"170.1"}]}`
	goodReason = `{"type":"view_submission","user":{"id":"UANA","team_id":"T1"},"view":{"id":"V1","callback_id":"transfer.reason",
 "private_metadata":"{\"workflow\":\"t07-7KQ2M9XA\",\"account\":\"acme\",\"action\":\"transfer.refuse\",\"round\":3}",
 "blocks":[{"type":"section","block_id":"s"},{"type":"input","block_id":"reason"}],"state":{"values":{"reason":{"reason":{"type":"plain_text_input","value":" no "}}}}}}`
	goodRequest = `{"type":"view_submission","user":{"id":"UANA","team_id":"T1"},"view":{"id":"V2","callback_id":"transfer.request","private_metadata":"",
 "blocks":[{"type":"input","block_id":"account"}],"state":{"values":{
  "account":{"account":{"type":"static_select","selected_option":{"value":"acme"}}},
  "new_owner_alias":{"new_owner_alias":{"type":"static_select","selected_option":null}},
  "new_owner_person":{"new_owner_person":{"type":"users_select","selected_user":"UBEN"}},
  "many":{"many":{"type":"multi_static_select","selected_options":[{"value":"a"},{"value":"b"}]}},
  "reason":{"reason":{"type":"plain_text_input","value":null}}}}}}`
)

// insideClick is a button of a form: source, reference of block_actions "from a modal".
const insideClick = `{"type":"block_actions","user":{"id":"UANA","team_id":"T1"},"trigger_id":"1.2.x","container":{"type":"view","view_id":"V1"},
 "view":{"id":"V1","type":"modal","callback_id":"review.packet","hash":"156.abc","private_metadata":"{\"workflow\":\"p07-7KQ2M9XA\",\"account\":\"acme\",\"action\":\"review.packet\",\"round\":3,\"page\":2}",
  "blocks":[{"type":"input","block_id":"row:21"},{"type":"input","block_id":"reason:21"},{"type":"actions","block_id":"review:3"}],
  "state":{"values":{"row:21":{"row:21":{"type":"static_select","selected_option":{"value":"keep"}}},"reason:21":{"reason:21":{"type":"plain_text_input","value":null}}}}},
 "actions":[{"type":"button","action_id":"review.next","block_id":"review:3","value":"p07-7KQ2M9XA","action_ts":"170.1"}]}`

func onlyReview(m string) bool { return m == "review" }

func TestClickInsideAFormBringsPageAndFields(t *testing.T) {
	a := decode("interactive", json.RawMessage(insideClick), onlyReview)
	c := a.cmd
	if a.fault != "" || a.kind != kindClick || c.Name != "review.next" || c.Workflow != "p07-7KQ2M9XA" ||
		c.View != "V1" || c.Page != 2 || c.Round != 3 || c.Submitted || c.Account != "acme" ||
		len(c.Input) != 1 || c.Input["row:21"] != "keep" || a.form.hash != "156.abc" ||
		a.form.callback != "review.packet" {
		t.Errorf("%+v", a)
	}
	for _, change := range [][2]string{
		{`"p07-7KQ2M9XA","action_ts"`, `"p07-7KQ2M9XB","action_ts"`}, // the button of one packet in the form of another
		{`"type":"modal"`, `"type":"home"`},
		{`"callback_id":"review.packet"`, `"callback_id":"transfer.reason"`},
		{`"callback_id":"review.packet"`, `"callback_id":""`},
		{`\"page\":2`, `\"page\":-1`},
		{`\"page\":2`, `\"page\":2000000`},
		{`\"acme\"`, `\"../acme\"`},
		{`{\"workflow\"`, `[\"workflow\"`},
		{`"id":"V1","type"`, `"id":"","type"`},
		{`"view":{`, `"seen":{`}, // the container says view, and none is there
	} {
		b := decode("interactive", json.RawMessage(strings.Replace(insideClick, change[0], change[1], 1)), onlyReview)
		if b.fault != codeBadForm || b.cmd.ID != "" || b.cmd.Input != nil {
			t.Errorf("%v: %q, %+v", change, b.fault, b.cmd)
		}
	}
}

func TestFormThatWasShownAnewIsAnotherCommand(t *testing.T) {
	page := func(n string) workflows.Command {
		a := decode("interactive", json.RawMessage(strings.Replace(goodReason, `\"round\":3`, `\"round\":3,\"page\":`+n,
			1)), onlyTransfer)
		if a.fault != "" || a.cmd.View != "V1" {
			t.Fatalf("%+v", a)
		}
		return a.cmd
	}
	one, two := page("1"), page("2")
	if one.ID == two.ID || one.ID != page("1").ID || one.Page != 1 || two.Page != 2 {
		t.Errorf("%+v, %+v", one, two)
	}
}

func TestFilesOfAFormAreKeptApartFromWhatIsTyped(t *testing.T) {
	with := strings.Replace(goodReason, `"value":" no "`,
		`"value":" no "}},"file":{"file":{"type":"file_input","files":[{"id":"F1","name":"users.csv","size":12,"url_private_download":"https://files.slack.com/f"}]`, 1)
	a := decode("interactive", json.RawMessage(with), onlyTransfer)
	if a.fault != "" || len(a.files["file"]) != 1 || a.files["file"][0].URLDownload != "https://files.slack.com/f" ||
		a.cmd.Input["reason"] != "no" || len(a.cmd.Input) != 1 {
		t.Errorf("%+v", a)
	}
}

func TestChangesOfPeopleAreDecoded(t *testing.T) {
	for _, kind := range []string{"user_change", "user_status_changed"} {
		a := decode("events_api", json.RawMessage(`{"team_id":"T1","event":{"type":"`+kind+
			`","user":{"id":"UANA","updated":1700000000,"profile":{"status_text":"x"}},"cache_ts":1}}`), onlyTransfer)
		if a.fault != "" || a.event.Event.User.ID != "UANA" || len(a.event.Event.User.Digest) != 16 ||
			a.event.Event.Type != kind {
			t.Errorf("%+v", a)
		}
	}
	a := decode("events_api",
		json.RawMessage(`{"team_id":"T1","event":{"type":"app_home_opened","user":"UANA","tab":"home"}}`), onlyTransfer)
	if a.fault != "" || a.event.Event.User.ID != "UANA" {
		t.Errorf("%+v", a)
	}
}

func TestClickIsDecoded(t *testing.T) {
	a := decode("interactive", json.RawMessage(goodClick), onlyTransfer)
	if a.fault != "" || a.kind != kindClick || a.cmd.Name != "transfer.confirm" || a.cmd.Workflow != "t07-7KQ2M9XA" ||
		a.cmd.Round != 3 || a.cmd.Submitted ||
		a.cmd.Actor != (workflows.Actor{Kind: workflows.ByPerson, ID: "UANA", Team: "T1"}) || a.who.channel != "D1" ||
		a.who.thread != "1.0" {
		t.Errorf("%+v", a)
	}
	again := decode("interactive", json.RawMessage(strings.Replace(goodClick, "1.2.x", "9.9.y", 1)), onlyTransfer)
	if again.cmd.ID != a.cmd.ID {
		t.Error("the same click told again is another command")
	}
	for _, change := range [][2]string{{"170.1", "170.2"}, {"UANA", "UBEN"}, {"transfer.confirm", "transfer.refuse"},
		{"7KQ2M9XA", "7KQ2M9XB"}} {
		if b := decode("interactive", json.RawMessage(strings.Replace(goodClick, change[0], change[1], 1)),
			onlyTransfer); b.fault != "" || b.cmd.ID == a.cmd.ID {
			t.Errorf("%v: another click is the same command: %+v", change, b)
		}
	}
}

func TestFormsAreDecoded(t *testing.T) {
	a := decode("interactive", json.RawMessage(goodReason), onlyTransfer)
	if a.fault != "" || a.opened || a.cmd.Name != "transfer.refuse" || a.cmd.Workflow != "t07-7KQ2M9XA" ||
		a.cmd.Account != "acme" || a.cmd.Round != 3 || !a.cmd.Submitted ||
		a.cmd.Input["reason"] != "no" || a.form.first() != "reason" {
		t.Errorf("reason: %+v", a)
	}
	a = decode("interactive", json.RawMessage(goodRequest), onlyTransfer)
	want := map[string]string{"account": "acme", "new_owner_person": "UBEN", "many": "a\nb"}
	if a.fault != "" || !a.opened || a.cmd.Name != "transfer.request" || a.cmd.Workflow != "" ||
		a.cmd.Account != "acme" || a.cmd.Round != workflows.NoRound || len(a.cmd.Input) != len(want) {
		t.Errorf("request: %+v", a)
	}
	for k, v := range want {
		if a.cmd.Input[k] != v {
			t.Errorf("%s = %q", k, a.cmd.Input[k])
		}
	}
}

func TestWhatMakesNoSenseIsNoCommand(t *testing.T) {
	for _, c := range []struct{ from, old, new, fault string }{
		{goodClick, `"transfer.confirm"`, `"transfer"`, codeMalformed},
		{goodClick, `"transfer.confirm"`, `"Transfer.confirm"`, codeMalformed},
		{goodClick, `"transfer.confirm"`, `7`, codeMalformed},
		{goodClick, `"transfer:3"`, `"transfer:03"`, codeMalformed},
		{goodClick, `"transfer:3"`, `"transfer:+3"`, codeMalformed},
		{goodClick, `"transfer:3"`, `"transfer:"`, codeMalformed},
		{goodClick, `"transfer:3"`, `"access:3"`, codeMalformed},
		{goodClick, `"t07-7KQ2M9XA"`, `"t07_7KQ2M9XA"`, codeMalformed},
		{goodClick, `"t07-7KQ2M9XA"`, `""`, codeMalformed},
		{goodClick, `"UANA"`, `""`, codeMalformed},
		{goodClick, `"UANA"`, `"U<!channel>"`, codeMalformed},
		{goodClick, `"T1"`, `"T1/../x"`, codeMalformed},
		{goodClick, `"actions":[`, `"actions":[],"more":[`, codeMalformed},
		{goodClick, `"actions":[`, `"actions":[{},`, codeMalformed},
		{strings.ReplaceAll(goodClick, "transfer", "evil"), "", "", codeUnknownButton},
		{goodReason, `\"round\":3`, `\"round\":-1`, codeBadForm},
		{goodReason, `\"round\":3`, `\"round\":\"3\"`, codeBadForm},
		{goodReason, `transfer.refuse`, `access.refuse`, codeBadForm},
		{goodReason, `transfer.refuse`, `transfer.request`, codeBadForm},
		{goodReason, `t07-7KQ2M9XA`, `nowhere`, codeBadForm},
		{goodReason, `\"acme\"`, `\"../acme\"`, codeBadForm},
		{goodReason, `{\"workflow\"`, `[\"workflow\"`, codeBadForm},
		{goodReason, `"V1"`, `""`, codeBadForm},
		{goodReason, `"transfer.reason"`, `"reason"`, codeBadForm},
		{strings.ReplaceAll(goodReason, "transfer", "evil"), "", "", codeUnknownForm},
		{goodRequest, `{"account":{"type"`, `{"b":{},"account":{"type"`, codeBadForm},
	} {
		payload := strings.Replace(c.from, c.old, c.new, 1)
		a := decode("interactive", json.RawMessage(payload), onlyTransfer)
		if a.fault != c.fault || a.cmd.Name != "" || a.cmd.ID != "" {
			t.Errorf("%s -> %s: fault %q, want %q; command %+v", c.old, c.new, a.fault, c.fault, a.cmd)
		}
	}
}

// FuzzDecode holds that nothing panics and that a command comes only of what is well formed.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{goodClick, goodReason, goodRequest, strings.ReplaceAll(insideClick, "review",
		"transfer")} {
		f.Add("interactive", []byte(s))
	}
	f.Add("slash_commands", []byte(`{"team_id":"T1","user_id":"UANA","command":"/io","text":"status"}`))
	f.Add("events_api", []byte(`{"event":{"type":"app_home_opened","user":"UANA","tab":"home"}}`))
	f.Add("interactive", []byte(`{"type":"view_submission","view":{"state":{"values":{"a":{"b":{"value":1}}}}}}`))
	f.Add("", []byte(`null`))
	f.Fuzz(func(t *testing.T, kind string, payload []byte) {
		a := decode(kind, payload, onlyTransfer)
		if a.fault != "" || (a.kind != kindClick && a.kind != kindSubmit) {
			if a.cmd.ID != "" || a.cmd.Name != "" || a.cmd.Workflow != "" {
				t.Fatalf("a command although %q: %+v", a.fault, a.cmd)
			}
			return
		}
		c := a.cmd
		name := actionPattern.FindStringSubmatch(c.Name)
		_, _, idOK := workflows.ParseID(c.Workflow)
		if name == nil || name[1] != "transfer" || (!idOK && !a.opened) || c.Round < workflows.NoRound ||
			!roster.IsPerson(c.Actor.ID) ||
			c.Actor.Kind != workflows.ByPerson || c.ID == "" || c.Submitted != (a.kind == kindSubmit) {
			t.Fatalf("command %+v", c)
		}
		if c.Page < 0 || len(c.View) > 64 || (c.Submitted && c.View == "") || (c.View == "" && c.Page != 0) {
			t.Fatalf("form: %+v", c)
		}
		if a.opened != strings.HasSuffix(c.Name, requestCallback) && a.kind == kindSubmit {
			t.Fatalf("opening: %+v", a)
		}
	})
}
