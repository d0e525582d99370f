package cmd_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

const (
	module = "github.com/keyholder/keyholder"
	// top is the repository seen from this folder, where go test runs.
	top = ".."
)

// room says what one package may import. Lists hold what it imports itself; never holds what it may
// not reach by any road.
type room struct {
	ours   []string // packages of this module, without the module's path
	theirs []string // modules' packages of other people, by prefix
	never  []string // package paths, by prefix
	pure   bool     // decides and does nothing else: no clock, no chance, no I/O, no goroutines
}

// Other people's code, by what it is for.
const (
	log       = "github.com/rs/zerolog"
	flags     = "github.com/alecthomas/kong"
	redis     = "github.com/redis/go-redis"
	miniredis = "github.com/alicebob/miniredis"
	slackGo   = "github.com/slack-go/slack"
	websocket = "github.com/gorilla/websocket"
	yaml      = "github.com/goccy/go-yaml"
	metrics   = "github.com/prometheus/client_golang"
	chrome    = "github.com/chromedp"
	xSync     = "golang.org/x/sync"
	xTime     = "golang.org/x/time"
	goMail    = "github.com/wneessen/go-mail"
	oidc      = "github.com/coreos/go-oidc"
	oauth2    = "golang.org/x/oauth2"
	jose      = "github.com/go-jose/go-jose"
	otp       = "github.com/pquerna/otp"
	otel      = "go.opentelemetry.io/otel"
)

// Our rooms that others name.
const (
	approvals     = "approvals"
	workflows     = "workflows"
	chainRoom     = "workflows/chain"
	recordRoom    = "workflows/record"
	loopsRoom     = "workflows/loops"
	integrator    = "workflows/integrator"
	integratorSim = "workflows/integrator/integratorsim"
	store         = "store"
	storeTest     = "store/storetest"
	backupRoom    = "store/backup"
	machineTest   = "workflows/machinetest"
	worktime      = "workflows/worktime"
	question      = "workflows/question"
	step          = "workflows/step"
	keyring       = "workflows/keyring"
	reviewRoom    = "workflows/review"
	reviewLists   = "workflows/review/lists"
	populations   = "workflows/review/population"
	standingRoom  = "workflows/review/standing"
	evidenceRoom  = "workflows/review/evidence"
	postRoom      = "workflows/post"
	slackRoom     = "bot"
	slackAPI      = "bot/slackapi"
	rosterRoom    = "bot/roster"
	drawRoom      = "bot/draw"
	slackSim      = "bot/slacksim"
	blockKit      = "bot/slacksim/blockkit"
	stepUp        = "bot/stepup"
	idpSim        = "bot/stepup/idpsim"
	npmTest       = "bot/npmtest"
	browserTest   = "bot/browsertest"
	configRoom    = "cmd/keyholder/config"
	serve         = "cmd/keyholder/serve"
	workspaces    = "cmd/keyholder/workspaces"
	tracesRoom    = "cmd/keyholder/traces"
	keyholder     = "cmd/keyholder"
	demo          = "cmd/keyholder-demo"
)

// machines are the workflows' state machines, those to come included.
var machines = []string{"workflows/transfer", "workflows/access", "workflows/drift", reviewRoom, "workflows/recovery",
	"workflows/key", "workflows/reach", "workflows/docs",
	"workflows/offboard", "workflows/tokens", "workflows/authenticator"}

// shared are the rooms that the machines share; they only decide, as the machines do.
var shared = []string{worktime, question, step, keyring}

// simulators must never be part of what an operator deploys; a test's tools neither.
var simulators = []string{module + "/" + integratorSim, module + "/" + slackSim, module + "/" + idpSim,
	module + "/" + npmTest, module + "/" + browserTest,
	module + "/" + storeTest, miniredis, chrome, "testing"}

// rooms is the import table of the house.
func rooms() map[string]room {
	production := slices.Concat(
		[]string{approvals, workflows, chainRoom, recordRoom, loopsRoom, integrator, postRoom, store, backupRoom,
			slackRoom,
			slackAPI,
			rosterRoom, drawRoom, stepUp, configRoom, serve, reviewLists, populations, standingRoom, evidenceRoom},
		shared, machines)
	table := map[string]room{
		approvals:  {pure: true},
		chainRoom:  {pure: true},
		recordRoom: {ours: []string{workflows, chainRoom}, never: []string{slackGo, redis, "net/http"}},
		workflows:  {ours: []string{approvals, chainRoom}, never: []string{slackGo, redis, "net/http"}},
		loopsRoom: {ours: []string{workflows, approvals}, theirs: []string{log, xSync},
			never: []string{slackGo, redis, "net/http"}},
		integrator:    {ours: []string{workflows}, theirs: []string{log, xSync}, never: []string{slackGo, redis}},
		integratorSim: {},
		postRoom:      {ours: []string{workflows}, theirs: []string{goMail}, never: []string{slackGo, redis}},
		store:         {ours: []string{workflows, chainRoom}, theirs: []string{redis, log}, never: []string{slackGo}},
		backupRoom:    {ours: []string{workflows, chainRoom, recordRoom, loopsRoom, store}, never: []string{slackGo}},
		storeTest: {ours: []string{workflows, chainRoom, recordRoom, loopsRoom, store},
			theirs: []string{miniredis, redis, log},
			never:  []string{slackGo}},
		machineTest: {ours: []string{workflows, approvals}},
		slackAPI:    {theirs: []string{slackGo, log, xTime}, never: []string{redis}},
		drawRoom:    {ours: []string{workflows, rosterRoom}, theirs: []string{slackGo}, never: []string{redis}},
		rosterRoom:  {ours: []string{workflows, slackAPI}, theirs: []string{slackGo, xSync}, never: []string{redis}},
		slackRoom: {ours: slices.Concat([]string{workflows, approvals, slackAPI, rosterRoom, drawRoom, stepUp,
			populations,
			standingRoom},
			shared,
			machines), theirs: []string{slackGo, websocket, log, xSync, xTime}, never: []string{redis}},
		slackSim:    {ours: []string{blockKit}, theirs: []string{websocket}},
		blockKit:    {},
		npmTest:     {never: []string{slackGo, redis}},
		browserTest: {theirs: []string{chrome}, never: []string{slackGo, redis}},
		stepUp:      {ours: []string{workflows}, theirs: []string{oidc, oauth2, otp}, never: []string{slackGo, redis}},
		idpSim:      {theirs: []string{jose}},
		"cmd":       {},
		configRoom:  {ours: []string{approvals}, theirs: []string{yaml, redis, log}},
		serve:       {ours: production, theirs: []string{metrics, log, xSync}, never: simulators},
		workspaces: {ours: []string{workflows, configRoom, serve}, theirs: []string{metrics, log, xSync},
			never: simulators},
		tracesRoom: {ours: []string{workflows}, theirs: []string{otel, log}, never: simulators},
		keyholder: {ours: slices.Concat(production, []string{workspaces, tracesRoom}), theirs: []string{flags, log},
			never: simulators},
		demo: {ours: slices.Concat(production, []string{slackSim, integratorSim, idpSim}),
			theirs: []string{flags, miniredis, log, xSync, otp, yaml}},
	}
	for _, m := range machines {
		ours := slices.Concat([]string{workflows, approvals}, shared)
		if m == reviewRoom {
			ours = append(ours, reviewLists, populations)
		}
		table[m] = room{ours: ours, never: []string{slackGo, redis, "net/http"}, pure: true}
	}
	table[evidenceRoom] = room{ours: []string{workflows, chainRoom, reviewRoom, reviewLists, populations},
		never: []string{slackGo, redis, "net/http"}, pure: true}
	table[populations] = room{ours: []string{workflows, approvals, reviewLists},
		never: []string{slackGo, redis, "net/http"}, pure: true}
	table[standingRoom] = room{ours: []string{workflows, reviewRoom, populations},
		never: []string{slackGo, redis, "net/http"}, pure: true}
	table[reviewLists] = room{ours: []string{workflows}, never: []string{slackGo, redis, "net/http"}, pure: true}
	for _, s := range shared {
		table[s] = room{ours: []string{workflows, approvals}, never: []string{slackGo, redis, "net/http"}, pure: true}
	}
	return table
}

// impure are the standard library's packages that a room which only decides may not import, by prefix.
var impure = []string{"bufio", "context", "crypto/rand", "database", "io", "log", "math/rand", "net", "os", "plugin",
	"runtime", "sync", "syscall", "testing", "unsafe"}

// listed is what go list says about a package.
type listed struct {
	ImportPath, Dir, Name string
	Standard              bool
	GoFiles, Imports      []string
	Deps                  []string
}

// local is the path within the module: "store" for github.com/keyholder/keyholder/store.
func (p listed) local() string {
	return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
}

func (p listed) ours() bool {
	return p.ImportPath == module || strings.HasPrefix(p.ImportPath, module+"/")
}

var list = sync.OnceValues(func() (map[string]listed, error) {
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Dir,Name,Standard,GoFiles,Imports,Deps", "./...")
	cmd.Dir = top
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return nil, errors.Join(err, errors.New(complaint.String()))
	}
	all := map[string]listed{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all[p.ImportPath] = p
	}
})

// packages answers every package that any of ours depends on, by import path.
func packages(t *testing.T) map[string]listed {
	t.Helper()
	all, err := list()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	if !all[module+"/"+keyholder].ours() {
		t.Fatalf("go list did not show %s: these tests look at the wrong folder", keyholder)
	}
	return all
}

// under reports whether path is one of the prefixes or below one.
func under(path string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return path == p || strings.HasPrefix(path, p+"/") })
}

func TestEachRoomImportsOnlyWhatItMay(t *testing.T) {
	all, table := packages(t), rooms()
	for _, p := range all {
		if !p.ours() {
			continue
		}
		r, known := table[p.local()]
		if !known {
			t.Errorf("%s is in no row of the import table. Give it one in rooms(), with as little as it can do with, and say in its doc.go what it may import.", p.local())
			continue
		}
		for _, path := range p.Imports {
			imp := all[path]
			switch {
			case imp.ours() && !slices.Contains(r.ours, imp.local()):
				t.Errorf("%s imports %s, which its room forbids. It may import of ours: %s. Turn the dependency round, or pass the value in from %s.",
					p.local(), imp.local(), orNothing(r.ours), serve)
			case imp.Standard && r.pure && under(path, impure):
				t.Errorf("%s imports %s, but it only decides: facts and time come in with the command, effects go out with the decision.", p.local(), path)
			case !imp.Standard && !imp.ours() && !under(path, r.theirs):
				t.Errorf("%s imports %s, which is not on its list. Do without, or add it to rooms() with the reason in the package's doc.go.", p.local(), path)
			}
		}
		for _, forbidden := range r.never {
			if i := slices.IndexFunc(p.Deps, func(path string) bool {
				return under(path, []string{forbidden})
			}); i >= 0 {
				t.Errorf("%s reaches %s: %s. It never may: cut that road.", p.local(), forbidden,
					road(all, p.ImportPath, p.Deps[i]))
			}
		}
	}
}

func orNothing(list []string) string {
	if len(list) == 0 {
		return "nothing"
	}
	return strings.Join(list, ", ")
}

// road is one chain of imports from a package to another, for a person to find the link to cut.
func road(all map[string]listed, from, to string) string {
	step := strings.TrimPrefix(from, module+"/") + " > "
	if from == to || slices.Contains(all[from].Imports, to) {
		return step + to
	}
	for _, next := range all[from].Imports {
		if slices.Contains(all[next].Deps, to) {
			return step + road(all, next, to)
		}
	}
	return step + "? > " + to
}

func TestTheProgramForOperatorsHoldsNoSimulator(t *testing.T) {
	deps := packages(t)[module+"/"+keyholder].Deps
	for _, needed := range []string{module + "/" + slackRoom, module + "/" + store, module + "/" + integrator} {
		if !slices.Contains(deps, needed) {
			t.Errorf("%s does not reach %s: this test would prove nothing", keyholder, needed)
		}
	}
	for _, dep := range deps {
		if under(dep, simulators) {
			t.Errorf("%s is built with %s. Simulators and test tools belong to %s and to _test.go files.", keyholder,
				dep, demo)
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	for _, p := range packages(t) {
		if !p.ours() {
			continue
		}
		file := filepath.Join(p.Dir, "doc.go")
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.PackageClauseOnly)
		if err != nil {
			t.Errorf("%s has no doc.go that can be read (%v). Write one: what the package is for, what it may import, its guarantees, the decisions taken.", p.local(), err)
			continue
		}
		if text := f.Doc.Text(); len(strings.Fields(text)) < 8 {
			t.Errorf("%s/doc.go says nothing about the package (%q). The comment stands directly above the package clause.", p.local(), strings.TrimSpace(text))
		}
	}
}

func TestTheFoldersOfTheHouseAreFixed(t *testing.T) {
	entries, err := os.ReadDir(top)
	if err != nil {
		t.Fatal(err)
	}
	fixed := []string{approvals, slackRoom, "cmd", store, workflows}
	for _, want := range fixed {
		if !slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.IsDir() && e.Name() == want }) {
			t.Errorf("the folder %s is gone", want)
		}
	}
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && !slices.Contains(built, e.Name()) &&
			!slices.Contains(fixed, e.Name()) {
			t.Errorf("%s is a new folder at the top. Put it into the room it serves: %s.", e.Name(),
				strings.Join(fixed, ", "))
		}
	}
	for _, p := range packages(t) {
		for _, part := range strings.Split(p.local(), "/") {
			if p.ours() && slices.Contains([]string{"internal", "pkg", "common", "util", "utils", "helpers", "misc",
				"shared"}, part) {
				t.Errorf("%s: a folder called %s says nothing. Name it after what it does, or move the code to its one user.", p.local(), part)
			}
		}
	}
}

// clocks are the functions of package time that read or wait for a clock; waits is its waiting half, which loops need.
var (
	clocks = []string{"Now", "Since", "Until"}
	waits  = []string{"After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Sleep"}
)

// allowedClocks are the files below the edge that may read this machine's clock, with the reason.
var allowedClocks = map[string]string{
	"store/store.go": "the clock where none is passed in",
}

// Time is a value in the command: whoever reads a clock below the edge decides differently when
// asked again, and cannot be tested.
func TestNothingBelowTheEdgeReadsAClock(t *testing.T) {
	table, used := rooms(), map[string]bool{}
	for _, p := range packages(t) {
		r := table[p.local()]
		if !p.ours() || !(r.pure || slices.Contains([]string{workflows, loopsRoom, recordRoom, store}, p.local())) {
			continue
		}
		forbidden := clocks
		if r.pure {
			forbidden = slices.Concat(clocks, waits)
		}
		for _, name := range p.GoFiles {
			file := p.local() + "/" + name
			for _, at := range timeUses(t, filepath.Join(p.Dir, name), forbidden) {
				if used[file] = true; allowedClocks[file] == "" {
					t.Errorf("%s:%s. Take the time from the command (Command.At), or have it passed in as the loops do (Options.Now, Options.RealNow).", file, at)
				}
			}
		}
	}
	for file, why := range allowedClocks {
		if !used[file] {
			t.Errorf("%s reads no clock any more (%s): take it out of allowedClocks.", file, why)
		}
	}
}

// timeUses finds uses of functions of package time, called or passed on, as "line: time.Now".
func timeUses(t *testing.T, path string, functions []string) []string {
	t.Helper()
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	name := ""
	for _, imp := range f.Imports {
		if imp.Path.Value == `"time"` {
			if name = "time"; imp.Name != nil {
				name = imp.Name.Name
			}
		}
	}
	var found []string
	ast.Inspect(f, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); ok && name != "" && x.Name == name && slices.Contains(functions, sel.Sel.Name) {
			found = append(found, strings.TrimPrefix(set.Position(sel.Pos()).String(), path+":")+": time."+sel.Sel.Name)
		}
		return true
	})
	return found
}

// slashLiteral is a string literal that names the slash command as it is called by default.
var slashLiteral = regexp.MustCompile(`"[^"]*(^|[^\w])/io [a-z]`)

// The slash command may be called otherwise than /io: a text of a machine that says /io names a
// command that does not exist.
func TestNoTextOfAMachineSpellsTheSlashCommand(t *testing.T) {
	for _, p := range packages(t) {
		if !p.ours() || !strings.HasPrefix(p.local(), "workflows") {
			continue
		}
		for _, name := range p.GoFiles {
			text, err := os.ReadFile(filepath.Join(p.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			for n, line := range strings.Split(string(text), "\n") {
				if at := slashLiteral.FindString(line); at != "" && !strings.HasPrefix(strings.TrimSpace(line), "//") {
					t.Errorf("%s/%s:%d says %q. Write {command}, which stands for the command's own name (workflows.Slash).", p.local(), name, n+1, at)
				}
			}
		}
	}
}
