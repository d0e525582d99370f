package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/keyholder/keyholder/bot/npmtest"
	"github.com/keyholder/keyholder/bot/slacksim"
)

// outsider is what a script knows of its Slack: where it listens and what it said last.
type outsider struct {
	base string
	last []byte
}

// TestTheSlackAloneServesAnyBot runs the scripts of testdata/slack over the binary.
func TestTheSlackAloneServesAnyBot(t *testing.T) {
	t.Parallel()
	type commands = map[string]func(*testscript.TestScript, bool, []string)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/slack", RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			address, err := freeAddress()
			e.Setenv("LISTEN", address)
			e.Values["slack"] = &outsider{base: "http://" + address}
			return err
		},
		Cmds: commands{"up": up, "call": call, "schedule": schedule, "get": get, "look": look, "post": postTo,
			"act":   act,
			"panel": movePanel, "says": says, "until": until},
	})
}

// freeAddress is one on which nothing listens.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// send keeps what one request is answered with.
func (o *outsider) send(method, path, kind, body string) error {
	req, err := http.NewRequest(method, o.base+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Authorization", "Bearer "+soloBotToken)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	o.last, err = io.ReadAll(res.Body)
	return err
}

func (o *outsider) must(ts *testscript.TestScript, method, path, kind, body string) {
	ts.Check(o.send(method, path, kind, body))
}

const (
	asForm = "application/x-www-form-urlencoded"
	asJSON = "application/json"
)

func slackOf(ts *testscript.TestScript) *outsider { return ts.Value("slack").(*outsider) }

// up waits until the Slack answers.
func up(ts *testscript.TestScript, _ bool, _ []string) {
	o, deadline := slackOf(ts), time.Now().Add(patience)
	for o.send(http.MethodGet, "/api/api.test", "", "") != nil {
		if time.Now().After(deadline) {
			ts.Fatalf("nothing answers at %s", o.base)
		}
		time.Sleep(20 * time.Millisecond) // another process: it tells nobody when it listens
	}
}

// call METHOD [KEY=VALUE]... calls the Web API as the app.
func call(ts *testscript.TestScript, _ bool, args []string) {
	form := url.Values{}
	for _, a := range args[1:] {
		k, v, _ := strings.Cut(a, "=")
		form.Set(k, v)
	}
	slackOf(ts).must(ts, http.MethodPost, "/api/"+args[0], asForm, form.Encode())
}

// schedule CHANNEL TEXT SECONDS schedules a message in so many seconds.
func schedule(ts *testscript.TestScript, _ bool, args []string) {
	in, err := time.ParseDuration(args[2] + "s")
	ts.Check(err)
	get(ts, false, []string{"/_panel/now"})
	var seen struct{ Now time.Time }
	ts.Check(json.Unmarshal(slackOf(ts).last, &seen))
	call(ts, false, []string{"chat.scheduleMessage", "channel=" + args[0], "text=" + args[1],
		fmt.Sprintf("post_at=%d", seen.Now.Add(in).Unix())})
	says(ts, false, []string{`"ok":true`})
}

func get(ts *testscript.TestScript, _ bool, args []string) {
	slackOf(ts).must(ts, http.MethodGet, args[0], "", "")
}

func look(ts *testscript.TestScript, _ bool, args []string) {
	get(ts, false, []string{"/_sim/" + args[0]})
}

func postTo(ts *testscript.TestScript, _ bool, args []string) {
	slackOf(ts).must(ts, http.MethodPost, args[0], asJSON, args[1])
}

func act(ts *testscript.TestScript, _ bool, args []string) {
	postTo(ts, false, []string{"/_sim/" + args[0], args[1]})
}

func movePanel(ts *testscript.TestScript, _ bool, args []string) {
	postTo(ts, false, []string{"/_panel/" + args[0], args[1]})
}

// says PATTERN wants the last answer to match.
func says(ts *testscript.TestScript, neg bool, args []string) {
	if last := slackOf(ts).last; regexp.MustCompile(args[0]).Match(last) == neg {
		ts.Fatalf("the answer is %s", last)
	}
}

// until WHAT PATTERN looks until the control's answer matches.
func until(ts *testscript.TestScript, _ bool, args []string) {
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		look(ts, false, args[:1])
		if regexp.MustCompile(args[1]).Match(slackOf(ts).last) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("never %s: %s", args[1], slackOf(ts).last)
		}
	}
}

// TestBoltRunsOnTheSlackAlone runs the echo bot of bot/slacksim, which is Slack's own SDK
// unmodified, on the program as people start it.
func TestBoltRunsOnTheSlackAlone(t *testing.T) {
	t.Parallel()
	dir := npmtest.Install(t, "Slack's SDK for JavaScript", filepath.Join("..", "..", "bot", "slacksim", "testdata",
		"bolt"))
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	d, err := newSolo(slackFlags{Listen: address, Manifest: "testdata/echo.json", Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- d.run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	bolt := exec.CommandContext(ctx, "node", "echo.mjs", "bolt", "1")
	bolt.Dir, bolt.Env, bolt.WaitDelay = dir, append(os.Environ(), "SIM_URL=http://"+address), time.Second
	stdin, err := bolt.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaints bytes.Buffer
	bolt.Stderr = &complaints
	stdout, err := bolt.StdoutPipe()
	if err == nil {
		err = bolt.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "ready\n" {
		t.Fatalf("the bot says %q: %v %s", line, err, complaints.String())
	}
	result, err := d.slack.SlashCommand(ctx, "UANA", "C0GENERAL", "/echo", "say hello")
	if err != nil || result.Text != "echo: hello" {
		t.Errorf("%+v, %v", result, err)
	}
	if _, err := d.slack.SlashCommand(ctx, "UANA", "C0GENERAL", "/echo", "upload text"); err != nil {
		t.Error(err)
	}
	short, stop := context.WithTimeout(ctx, patience)
	defer stop()
	if err := d.slack.Wait(short, func(n *slacksim.Snapshot) bool {
		for _, m := range n.Messages("C0GENERAL") {
			if len(m.Files) == 2 {
				return true
			}
		}
		return false
	}); err != nil {
		t.Errorf("no files: %v", err)
	}
	_ = stdin.Close() // its end is what the bot waits for
	if err := bolt.Wait(); err != nil || complaints.Len() > 0 {
		t.Errorf("the bot ended with %v: %s", err, complaints.String())
	}
}

// A manifest that Slack's site gives as JSON is read like one of YAML; scopes that it leaves out are not granted.
func TestAManifestOfJSONIsReadAsOneOfYAML(t *testing.T) {
	m, err := readManifest("testdata/echo.json")
	if err != nil {
		t.Fatal(err)
	}
	var o slacksim.Options
	m.set(&o)
	raw, err := json.Marshal([]any{o.BotName, o.Commands[0].Command, o.Events[0], o.HomeTabDisabled, len(m.notes())})
	if want := `["echo","/echo","app_home_opened",false,0]`; err != nil || string(raw) != want {
		t.Errorf("%s, want %s: %v", raw, want, err)
	}
	var bare manifest
	if bare.set(&o); len(o.Scopes) == 0 || !o.HomeTabDisabled || len(bare.notes()) != 1 {
		t.Errorf("a manifest without scopes, tabs and Socket Mode: %+v %q", o, bare.notes())
	}
}
