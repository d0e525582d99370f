package main

import (
	"github.com/keyholder/keyholder/cmd/keyholder/serve"
	"github.com/keyholder/keyholder/workflows"
)

type runCmd struct{ configFlag }

// Run runs the bot until SIGTERM or an interrupt, which end it with exit 0.
func (c runCmd) Run(w *world) error {
	cfg, err := c.load(w, false)
	if err != nil {
		return err
	}
	w.log.Info().Str(workflows.LogVersion, version()).Int(workflows.LogAccounts, len(cfg.Accounts)).Msg("starting")
	err = serve.New(serve.Options{Config: cfg, Log: w.log, Version: version(),
		Listening: func(addr string) { w.log.Info().Str(workflows.LogListen, addr).Msg("listening for operators") }}).
		Run(w.ctx)
	w.log.Info().Msg("stopped")
	return err
}
