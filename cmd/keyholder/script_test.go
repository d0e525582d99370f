package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/redis/go-redis/v9"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/slack-go/slack"

	"github.com/keyholder/keyholder/bot/slacksim"
	"github.com/keyholder/keyholder/bot/stepup/idpsim"
	"github.com/keyholder/keyholder/store/storetest"
	"github.com/keyholder/keyholder/workflows/integrator/integratorsim"
)

// TestMain lets the scripts run this very program under its name.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"keyholder": main})
}

const (
	scriptAppToken = "xapp-1-A0SCRIPT-secret"
	scriptBotToken = "xoxb-script-secret"
	// scriptPatience bounds every wait of a script.
	scriptPatience = 30 * time.Second
)

// surroundings are what one script's keyholder speaks with.
type surroundings struct {
	slack *slacksim.Server
	info  integratorsim.DemoInfo
	redis *storetest.Server
	away  atomic.Bool  // Slack answers 503
	slow  atomic.Int64 // how far Slack's clock is behind
	// folder is this package's own: scripts run elsewhere.
	folder string
}

// TestScripts runs testdata/script against simulators and a real redis-server.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               func(e *testscript.Env) error { return surround(t, e) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "fill": fill, "answers": answers, "redis": redisCommand, "slack": slackCommand,
			"transfer": transferCommand,
			"tamper":   tamper, "terminate": terminate, "hangup": hangup, "nosecrets": noSecrets,
			"recomputes": recomputes,
			"reviewed":   reviewed(0), "gathering": reviewed(1), "manifestHolds": manifestHolds,
			"hashRecorded": hashRecorded, "spoil": spoil, "checkpoint": checkpoint(t), "rewrite": rewrite,
			"keysBegin": keysBegin, "cut": cutFile, "mode": mode, "over": over,
			"governed": governed, "holds": holdsText, "forge": forge,
		},
	})
}

// surround starts a Slack, an integrator.io and a Redis for one script.
func surround(t *testing.T, e *testscript.Env) error {
	folder, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("find the tests' folder: %w", err)
	}
	s := &surroundings{redis: storetest.Redis(t), folder: folder}
	s.slack = slacksim.New(slacksim.Options{AppToken: scriptAppToken, BotToken: scriptBotToken, BotUserID: "U0KEYS",
		Commands: []slacksim.SlashCommand{{Command: "/io", ShouldEscape: true}}})
	for _, id := range []string{"U0DEE", "U0ANA", "U0BEN", "U0CAT"} {
		s.slack.AddUser(slacksim.User{ID: id, RealName: id, Email: strings.ToLower(id) + "@acme.example"})
	}
	s.slack.AddUser(slacksim.User{ID: "U0GUS", RealName: "Gus", IsRestricted: true})
	s.slack.AddChannel(slacksim.Channel{ID: "C0SHARED", Name: "shared", ExtShared: true,
		Members: []string{"U0DEE", "U0KEYS"}})
	s.slack.AddChannel(slacksim.Channel{ID: "C0OPS", Name: "ops", Members: []string{"U0DEE", "U0ANA", "U0BEN", "U0CAT",
		"U0KEYS"}})
	slack := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.away.Load() {
			http.Error(w, "away", http.StatusServiceUnavailable)
			return
		}
		if behind := s.slow.Load(); behind != 0 {
			w.Header().Set("Date", time.Now().Add(-time.Duration(behind)).UTC().Format(http.TimeFormat))
		}
		s.slack.ServeHTTP(w, r)
	}))
	sim, info := integratorsim.Demo(integratorsim.Options{})
	s.info = info
	io := httptest.NewServer(sim)
	e.Defer(func() {
		s.slack.Close()
		slack.Close()
		io.Close()
	})
	yes, bare := provider(false), provider(true)
	e.Defer(yes.Close)
	e.Defer(bare.Close)
	port, err := freePort()
	if err != nil {
		return err
	}
	e.Values["surroundings"] = s
	for k, v := range map[string]string{"SLACK_APP_TOKEN": scriptAppToken, "SLACK_BOT_TOKEN": scriptBotToken,
		"SLACK_API_URL": slack.URL + "/api/",
		"IDP":           yes.URL, "IDP_BARE": bare.URL,
		"REDIS_URL": s.redis.URL, "ACME_IO_TOKEN": info.ProductionToken, "INTEGRATOR": io.URL,
		"LISTEN": "127.0.0.1:" +
			strconv.Itoa(port),
		"NOW": time.Now().UTC().Add(-time.Second).Format(time.RFC3339)} {
		e.Setenv(k, v)
	}
	return nil
}

// provider is an identity provider where Ana says yes to every code; a bare one has no codes.
func provider(bare bool) *httptest.Server {
	srv := httptest.NewUnstartedServer(nil)
	idp := idpsim.New(idpsim.Options{Issuer: "http://" + srv.Listener.Addr().String(), ClientID: "keyholder",
		NoDevices: bare, People: []idpsim.Person{{Name: "Ana", Email: "u0ana@acme.example"}}})
	srv.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, code := range idp.Issued() {
			_ = idp.Answer(code, "u0ana@acme.example", true, time.Now()) // device codes and tokens are no codes to answer
		}
		idp.ServeHTTP(w, r)
	})
	srv.Start()
	return srv
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func of(ts *testscript.TestScript) *surroundings { return ts.Value("surroundings").(*surroundings) }

// exits runs a program and compares its exit code: exits 2 keyholder nonsense.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code program [args...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("%s exits with %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// fill replaces ${NAME} in files by what the environment says: fill keyholder.yaml.
func fill(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		path := ts.MkAbs(name)
		raw, err := os.ReadFile(path)
		ts.Check(err)
		ts.Check(os.WriteFile(path, []byte(os.Expand(string(raw), ts.Getenv)), 0o600))
	}
}

// cutFile copies all of a file but its last byte: cut copy.kh short.kh.
func cutFile(ts *testscript.TestScript, _ bool, args []string) {
	raw, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), raw[:len(raw)-1], 0o600))
}

// mode compares a file's permissions: mode 0600 copy.kh.
func mode(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[0] {
		ts.Fatalf("%s has the mode %s, want %s", args[1], got, args[0])
	}
}

// over waits until no transfer is open any more.
func over(ts *testscript.TestScript, _ bool, _ []string) {
	ctx := context.Background()
	c := redis.NewClient(&redis.Options{Addr: of(ts).redis.Addr})
	defer c.Close()
	until(ts, "the transfer's end", func() bool {
		keys, err := c.Keys(ctx, "kh:{*}:open:acme").Result()
		ts.Check(err)
		for _, key := range keys {
			for _, id := range c.ZRange(ctx, key, 0, -1).Val() {
				if id[0] == 't' {
					return false
				}
			}
		}
		return true
	})
}

// governed waits until the account's record has rules that do not name Ana.
func governed(ts *testscript.TestScript, _ bool, _ []string) {
	ctx := context.Background()
	c := redis.NewClient(&redis.Options{Addr: of(ts).redis.Addr})
	defer c.Close()
	until(ts, "the rules", func() bool {
		keys, err := c.Keys(ctx, "kh:{*}:record:account/acme").Result()
		ts.Check(err)
		return len(keys) == 1 && !strings.Contains(c.HGet(ctx, keys[0], "state").Val(), "U0ANA")
	})
}

// holdsText fails where nothing in Redis holds a text, or, negated, where something does.
func holdsText(ts *testscript.TestScript, neg bool, args []string) {
	c := redis.NewClient(&redis.Options{Addr: of(ts).redis.Addr})
	defer c.Close()
	found := ""
	_, err := everyValue(c, func(where, text string) {
		if strings.Contains(text, args[0]) {
			found = where + ": " + text
		}
	})
	ts.Check(err)
	if (found != "") == neg {
		ts.Fatalf("%s stands in %q", args[0], found)
	}
}

// forge rewrites what stands in the place of an erased event.
func forge(ts *testscript.TestScript, _ bool, _ []string) {
	ctx := context.Background()
	c := redis.NewClient(&redis.Options{Addr: of(ts).redis.Addr})
	defer c.Close()
	keys, err := c.Keys(ctx, "kh:{*}:events:workflow/t*").Result()
	ts.Check(err)
	for _, key := range keys {
		for i, entry := range c.LRange(ctx, key, 0, -1).Val() {
			if header, body, _ := strings.Cut(entry, "\n"); strings.Contains(header, `"erased":true`) {
				ts.Check(c.LSet(ctx, key, int64(i), header+"\n"+strings.Replace(body, "U0ERASED", "U0FORGED", 1)).Err())
				return
			}
		}
	}
	ts.Fatalf("nothing was erased")
}

// until polls for a condition.
func until(ts *testscript.TestScript, what string, cond func() bool) {
	deadline := time.Now().Add(scriptPatience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		if time.Now().After(deadline) {
			ts.Fatalf("waited in vain for %s", what)
		}
		<-tick.C
	}
}

// answers waits until an address answers with a status and a text: answers 503 http://$LISTEN/readyz Slack.
func answers(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: answers status address [text]")
	}
	want, text := args[0], strings.Join(args[2:], " ")
	until(ts, strings.Join(args, " "), func() bool {
		res, err := http.Get(args[1])
		if err != nil {
			return false
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		return err == nil && strconv.Itoa(res.StatusCode) == want && strings.Contains(string(body), text)
	})
}

// redisCommand ends and starts the server, waits until somebody looks for it while it is stopped,
// or sets its configuration: redis stop, redis start, redis knocked, redis set maxmemory-policy
// allkeys-lru.
func redisCommand(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	switch {
	case len(args) == 1 && args[0] == "stop":
		s.redis.Stop()
	case len(args) == 1 && args[0] == "start":
		ts.Check(s.redis.Start())
	case len(args) == 1 && args[0] == "knocked":
		ts.Check(knocked(s.redis.Addr))
	case len(args) == 3 && args[0] == "set":
		c := redis.NewClient(&redis.Options{Addr: s.redis.Addr})
		defer c.Close()
		ts.Check(c.ConfigSet(context.Background(), args[1], args[2]).Err())
	default:
		ts.Fatalf("usage: redis stop | start | knocked | set name value")
	}
}

// knocked returns when somebody has connected to the address, and hangs up on them.
func knocked(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("stand in for Redis: %w", err)
	}
	defer l.Close()
	if err := l.(*net.TCPListener).SetDeadline(time.Now().Add(scriptPatience)); err != nil {
		return fmt.Errorf("stand in for Redis: %w", err)
	}
	c, err := l.Accept()
	if err != nil {
		return fmt.Errorf("wait for a knock: %w", err)
	}
	return c.Close()
}

// slackCommand takes Slack away, brings it back, or waits for the bot: slack away, slack back, slack connected.
func slackCommand(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	switch strings.Join(args, " ") {
	case "away":
		s.away.Store(true)
		s.slack.DropConnections()
	case "back":
		s.away.Store(false)
	case "slow":
		s.slow.Store(int64(time.Minute))
	case "connected":
		until(ts, "the bot's socket", func() bool { return s.slack.Connections() > 0 })
	case "elsewhere":
		connectElsewhere(ts)
	default:
		ts.Fatalf("usage: slack away | back | slow | connected | elsewhere")
	}
}

// connectElsewhere connects with the app's tokens, as another installation would, until the script ends.
func connectElsewhere(ts *testscript.TestScript) {
	api := slack.New(scriptBotToken, slack.OptionAppLevelToken(scriptAppToken),
		slack.OptionAPIURL(ts.Getenv("SLACK_API_URL")))
	_, address, err := api.StartSocketModeContext(context.Background())
	ts.Check(err)
	conn, _, err := websocket.DefaultDialer.Dial(address, nil)
	ts.Check(err)
	ts.Defer(func() { _ = conn.Close() })
	go func() { // pings are answered while somebody reads
		for {
			if _, _, err := conn.ReadMessage(); err != nil {
				return
			}
		}
	}()
}

// transferCommand asks for a transfer in Slack, as a person does, and waits for the cards.
func transferCommand(ts *testscript.TestScript, _ bool, _ []string) {
	s := of(ts)
	ctx, cancel := context.WithTimeout(context.Background(), scriptPatience)
	defer cancel()
	_, err := s.slack.SlashCommand(ctx, "U0DEE", "C0OPS", "/io", "transfer acme")
	ts.Check(err)
	until(ts, "the form", func() bool { return len(s.slack.Views("U0DEE")) > 0 })
	res, err := s.slack.SubmitView(ctx, "U0DEE", s.slack.Views("U0DEE")[0].ID, map[string]map[string]any{
		"new_owner_alias": {"new_owner_alias": "celigo@acme.example"}, "reason": {"reason": "a script"}})
	ts.Check(err)
	if res.Error != "" || len(res.Errors) > 0 {
		ts.Fatalf("the form was refused: %+v", res)
	}
	until(ts, "a holder's card", func() bool { return len(s.slack.Messages(s.slack.DM("U0ANA"))) > 0 })
}

// terminate sends SIGTERM to what runs in the background; wait then compares the exit code.
func terminate(ts *testscript.TestScript, _ bool, _ []string) {
	for _, c := range ts.BackgroundCmds() {
		ts.Check(c.Process.Signal(syscall.SIGTERM))
	}
}

// hangup sends SIGHUP to what runs in the background.
func hangup(ts *testscript.TestScript, _ bool, _ []string) {
	for _, c := range ts.BackgroundCmds() {
		ts.Check(c.Process.Signal(syscall.SIGHUP))
	}
}

// tamper changes one byte of the first event of the transfer, as somebody at the Redis console could.
func tamper(ts *testscript.TestScript, _ bool, _ []string) {
	ctx := context.Background()
	c := redis.NewClient(&redis.Options{Addr: of(ts).redis.Addr})
	defer c.Close()
	keys, err := c.Keys(ctx, "kh:{*}:events:workflow/*").Result()
	ts.Check(err)
	for _, key := range keys {
		entry, err := c.LIndex(ctx, key, 0).Bytes()
		ts.Check(err)
		if changed := bytes.Replace(entry, []byte("a script"), []byte("a scrept"), 1); !bytes.Equal(entry, changed) {
			ts.Check(c.LSet(ctx, key, 0, changed).Err())
			ts.Setenv("TAMPERED", key[strings.LastIndexByte(key, '/')+1:])
			return
		}
	}
	ts.Fatalf("no workflow begins with the reason that the script gave: %v", keys)
}

// noSecrets fails where a token stands in one of the files, in the last output, or anywhere in Redis.
func noSecrets(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	secrets := []string{scriptAppToken, scriptBotToken, s.info.ProductionToken, s.info.SandboxToken}
	look := func(where, text string) {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				ts.Fatalf("%s holds the secret %.9s…", where, secret)
			}
		}
	}
	for _, name := range args {
		text := ts.ReadFile(name)
		if text == "" && name != "stdout" {
			ts.Fatalf("%s is empty, so nothing was looked at", name)
		}
		look(name, text)
	}
	c := redis.NewClient(&redis.Options{Addr: s.redis.Addr})
	defer c.Close()
	n, err := everyValue(c, look)
	ts.Check(err)
	if n == 0 && !slices.Contains(args, "stdout") { // a command that only looks leaves Redis empty
		ts.Fatalf("Redis is empty, so nothing was looked at")
	}
}

// keysBegin fails where a key begins with none of the prefixes, or a prefix begins no key: keysBegin kh other.
func keysBegin(ts *testscript.TestScript, _ bool, prefixes []string) {
	c := redis.NewClient(&redis.Options{Addr: of(ts).redis.Addr})
	defer c.Close()
	keys, err := c.Keys(context.Background(), "*").Result()
	ts.Check(err)
	seen := map[string]bool{}
	for _, key := range keys {
		prefix, _, _ := strings.Cut(key, ":")
		if seen[prefix] = true; !slices.Contains(prefixes, prefix) {
			ts.Fatalf("%s begins with none of %v", key, prefixes)
		}
	}
	if len(seen) != len(prefixes) {
		ts.Fatalf("only %v of %v begin keys", seen, prefixes)
	}
}

// everyValue shows every key with all that it holds.
func everyValue(c *redis.Client, look func(where, text string)) (int, error) {
	ctx, n := context.Background(), 0
	it := c.Scan(ctx, 0, "*", 100).Iterator()
	for it.Next(ctx) {
		key := it.Val()
		n++
		kind, err := c.Type(ctx, key).Result()
		if err != nil {
			return n, fmt.Errorf("type of %s: %w", key, err)
		}
		var text string
		switch kind {
		case "hash":
			all, err := c.HGetAll(ctx, key).Result()
			if err != nil {
				return n, fmt.Errorf("read %s: %w", key, err)
			}
			text = fmt.Sprint(all)
		case "list":
			all, err := c.LRange(ctx, key, 0, -1).Result()
			if err != nil {
				return n, fmt.Errorf("read %s: %w", key, err)
			}
			text = strings.Join(all, "\n")
		case "zset":
			all, err := c.ZRange(ctx, key, 0, -1).Result()
			if err != nil {
				return n, fmt.Errorf("read %s: %w", key, err)
			}
			text = strings.Join(all, "\n")
		case "string":
			if text, err = c.Get(ctx, key).Result(); err != nil {
				return n, fmt.Errorf("read %s: %w", key, err)
			}
		default:
			return n, fmt.Errorf("%s is a %s, which nobody looks into here", key, kind)
		}
		look(key, key+"\n"+text)
	}
	if err := it.Err(); err != nil {
		return n, fmt.Errorf("scan Redis: %w", err)
	}
	return n, nil
}
