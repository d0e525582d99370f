package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"

	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/bot/roster"
	"github.com/keyholder/keyholder/bot/slackapi"
	"github.com/keyholder/keyholder/cmd/keyholder/config"
)

type initCmd struct {
	Out   string `name:"out" short:"o" default:"keyholder.yaml" help:"Where to write; - for standard output." type:"path"`
	Force bool   `help:"Overwrite an existing file."`
}

// Run asks and writes. An existing file is kept unless --force is given.
func (c initCmd) Run(w *world) error {
	if c.Out != "-" && !c.Force {
		if _, err := os.Stat(c.Out); !errors.Is(err, fs.ErrNotExist) {
			return exitError{exitFault,
				c.Out + " is there already and was not touched. Name another file with --out, or give --force."}
		}
	}
	answers, err := config.Ask(w.in, w.err, directory(w))
	if err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	text := config.Template(answers)
	if c.Out == "-" {
		_, err = w.out.Write(text)
		return err
	}
	if err := os.WriteFile(c.Out, text, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", c.Out, err)
	}
	fmt.Fprintf(w.err, "Wrote %s. Next: set the variables it names, then keyholder check --config %s\n", c.Out, c.Out)
	if answers.Codes {
		fmt.Fprintf(w.err, "Needed for one-time codes: set %s, which seals what they are made of. To make one: openssl rand -base64 32\n"+
			"Then have everybody who decides type %s step-up: an authenticator app counts a day later.\n",
			config.EnvSealKey, config.Default().Slack.Command)
		return nil
	}
	fmt.Fprintln(w.err, "Advised: set KEYHOLDER_SEAL_KEY, so that what is changed in Redis by hand is not believed. To make one: openssl rand -base64 32")
	return nil
}

// directory answers how Slack is asked who is there; nil without a token.
func directory(w *world) func() ([]config.Member, error) {
	app, bot := os.Getenv(config.EnvSlackAppToken), os.Getenv(config.EnvSlackBotToken)
	if bot == "" {
		return nil
	}
	return func() ([]config.Member, error) {
		ctx, cancel := context.WithTimeout(w.ctx, checkTimeout)
		defer cancel()
		api, err := slackapi.New(slackapi.Options{AppToken: cmp.Or(app, "xapp-"), BotToken: bot,
			URL: os.Getenv(config.EnvSlackAPIURL),
			Log: zerolog.Nop()})
		if err != nil {
			return nil, err
		}
		all, err := roster.Directory(ctx, api)
		if err != nil {
			return nil, err
		}
		var members []config.Member
		for _, p := range all {
			members = append(members, config.Member(p))
		}
		return members, nil
	}
}

type manifestCmd struct {
	configFlag
	Link bool `help:"Print the link that opens Slack's form for a new app with the manifest filled in."`
}

// Run prints the manifest; the command's name comes from the configuration if it is there.
func (c manifestCmd) Run(w *world) error {
	command := config.Default().Slack.Command
	if _, err := os.Stat(c.Config); err == nil {
		cfg, err := c.load(w, true)
		if err != nil {
			return err
		}
		command = cfg.Slack.Command
	}
	if c.Link {
		link, err := config.ManifestLink(command)
		if err == nil {
			_, err = fmt.Fprintln(w.out, link)
		}
		return err
	}
	_, err := w.out.Write(config.Manifest(command))
	return err
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(w *world) error {
	fmt.Fprintln(w.out, "keyholder "+version())
	return nil
}

// release is set when a release is built.
var release = ""

func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
