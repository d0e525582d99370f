package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/cmd/keyholder/config"
)

// Exit codes, part of the contract.
const (
	exitGood  = 0
	exitFault = 1
	exitUsage = 2
)

// cli is the command line.
type cli struct {
	LogFormat string `name:"log-format" enum:"json,console" default:"json" help:"json for machines, console for people."`
	LogLevel  string `name:"log-level" enum:"debug,info,warn,error" default:"info" help:"Least level that is written."`

	Run      runCmd      `cmd:"" help:"Run the bot."`
	Check    checkCmd    `cmd:"" help:"Find every fault of the configuration at once, then look at Redis, Slack and each account's API."`
	Init     initCmd     `cmd:"" help:"Ask a few questions and write a commented keyholder.yaml."`
	Manifest manifestCmd `cmd:"" help:"Print the Slack app manifest, ready to paste, or the link that creates the app with it."`
	Audit    auditCmd    `cmd:"" help:"Verify or export the record."`
	Backup   backupCmd   `cmd:"" help:"Copy the record into one file; the bot may work on."`
	Restore  restoreCmd  `cmd:"" help:"Put such a file back, under a prefix where nothing is."`
	Erase    eraseCmd    `cmd:"" help:"Erase what the record holds about one person; without --yes only say what that would be."`
	Review   reviewCmd   `cmd:"" help:"Export a review's evidence, or hand in a list of users."`
	Docs     docsCmd     `cmd:"" help:"Print who owns and who holds each account, as Markdown."`
	Version  versionCmd  `cmd:"" help:"Print the version."`
}

// configFlag is where the configuration lies.
type configFlag struct {
	Config string `name:"config" short:"c" default:"keyholder.yaml" help:"The configuration file." type:"path"`
	envFlag
}

// configFlags are where those of several workspaces lie.
type configFlags struct {
	Config []string `name:"config" short:"c" default:"keyholder.yaml" sep:"none" help:"A configuration file, or a folder of them, one for each workspace; may be given several times." type:"path"`
	envFlag
}

// alone reports whether one file is named, and no folder.
func (f configFlags) alone() bool {
	info, err := os.Stat(f.Config[0])
	return len(f.Config) == 1 && (err != nil || !info.IsDir())
}

// load reads what is named, all of it anew.
func (f configFlags) load() ([]config.File, error) {
	lookup, err := f.lookup()
	if err != nil {
		return nil, err
	}
	return config.LoadAll(f.Config, lookup)
}

// envFlag names files with variables.
type envFlag struct {
	EnvFile []string `name:"env-file" sep:"none" placeholder:"FILE" help:"A file with environment variables, NAME=VALUE on each line, which win over those of the process; may be given several times." type:"path"`
}

// lookup answers where variables are looked up: in the files, read anew, then in the process's own.
func (f envFlag) lookup() (func(string) (string, bool), error) {
	vars := map[string]string{}
	for _, path := range f.EnvFile {
		more, err := config.EnvFile(path)
		if err != nil {
			return nil, err
		}
		maps.Copy(vars, more)
	}
	return func(name string) (string, bool) {
		if value, ok := vars[name]; ok {
			return value, true
		}
		return os.LookupEnv(name)
	}, nil
}

// world is what a command may touch.
type world struct {
	in       io.Reader
	out, err io.Writer
	log      zerolog.Logger
	ctx      context.Context
}

// exitError ends the program with a code; its sentence was printed already when it is empty.
type exitError struct {
	code int
	text string
}

func (e exitError) Error() string { return e.text }

// Main runs one command line and answers the exit code.
func Main(args []string, in io.Reader, out, errw io.Writer) int {
	var c cli
	parser, err := kong.New(&c, kong.Name("keyholder"),
		kong.Description("Ownership, access and reviews of integrator.io accounts, in Slack."),
		kong.Writers(out, errw), kong.UsageOnError(), kong.Exit(func(code int) { panic(exitError{code: code}) }))
	if err != nil {
		panic(err) // the struct above is wrong
	}
	code, done := guard(func() int { return dispatch(parser, &c, args, in, out, errw) })
	if done {
		return code
	}
	return code
}

// guard turns kong's exits (--help) into codes.
func guard(f func() int) (code int, exited bool) {
	defer func() {
		if p := recover(); p != nil {
			e, ours := p.(exitError)
			if !ours {
				panic(p)
			}
			code, exited = e.code, true
		}
	}()
	return f(), false
}

func dispatch(parser *kong.Kong, c *cli, args []string, in io.Reader, out, errw io.Writer) int {
	k, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(errw, "keyholder: %v\nTry: keyholder --help\n", err)
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	err = k.Run(&world{in: in, out: out, err: errw, log: logger(c, errw), ctx: ctx})
	var e exitError
	switch {
	case err == nil:
		return exitGood
	case errors.As(err, &e):
		if e.text != "" {
			fmt.Fprintln(errw, "keyholder: "+e.text)
		}
		return e.code
	}
	fmt.Fprintf(errw, "keyholder: %v\n", err)
	return exitFault
}

// logger writes JSON lines, or lines for people.
func logger(c *cli, w io.Writer) zerolog.Logger {
	zerolog.TimeFieldFormat = time.RFC3339Nano
	if c.LogFormat == "console" {
		w = zerolog.ConsoleWriter{Out: w, TimeFormat: time.TimeOnly}
	}
	level, err := zerolog.ParseLevel(c.LogLevel)
	if err != nil {
		level = zerolog.InfoLevel
	}
	return zerolog.New(w).Level(level).With().Timestamp().Logger()
}

// load reads the configuration; faults are printed, all of them. Commands that only read the record
// pass recordOnly: what they need of the environment is the Redis address.
func (f configFlag) load(w *world, recordOnly bool) (*config.Config, error) {
	lookup, err := f.lookup()
	if err != nil {
		return nil, exitError{exitFault, err.Error()}
	}
	cfg, faults, err := config.Load(f.Config, lookup)
	if err != nil {
		return nil, exitError{exitFault, err.Error()}
	}
	if recordOnly {
		faults = config.FileFaults(faults)
	}
	if len(faults) > 0 {
		printFaults(w.err, faults)
		return nil, exitError{exitFault, fmt.Sprintf("%s has %s; nothing was started", f.Config,
			count(len(faults), "fault"))}
	}
	return cfg, nil
}

func printFaults(w io.Writer, faults []config.Fault) {
	for _, f := range faults {
		fmt.Fprintln(w, f.String())
	}
}

func count(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	switch word {
	case "person":
		return fmt.Sprintf("%d people", n)
	case "entry":
		return fmt.Sprintf("%d entries", n)
	}
	return fmt.Sprintf("%d %ss", n, word)
}
