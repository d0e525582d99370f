package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/keyholder/keyholder/cmd/keyholder/config"
	"github.com/keyholder/keyholder/cmd/keyholder/traces"
	"github.com/keyholder/keyholder/cmd/keyholder/workspaces"
	"github.com/keyholder/keyholder/workflows"
)

type runCmd struct{ configFlags }

// Run runs the bot, one for each configuration, until SIGTERM or an interrupt, which end it with exit 0. SIGHUP has
// the configurations read anew.
func (c runCmd) Run(w *world) error {
	alone := c.alone()
	reload := make(chan os.Signal, 1)
	// before anything is read: one that comes meanwhile is not lost, and ends nothing
	signal.Notify(reload, syscall.SIGHUP)
	defer signal.Stop(reload)
	files, err := c.load()
	if err != nil {
		return exitError{exitFault, err.Error()}
	}
	if err := c.judge(w, files, alone); err != nil {
		return err
	}
	accounts := 0
	for _, f := range files {
		if len(f.Faults) == 0 {
			accounts += len(f.Config.Accounts)
		}
	}
	w.log.Info().Str(workflows.LogVersion, version()).Int(workflows.LogAccounts, accounts).Msg("starting")
	stages, flush, err := traces.Open(w.ctx, version(), w.log)
	if err != nil {
		return exitError{exitFault, err.Error()}
	}
	defer flush()
	err = workspaces.Run(w.ctx, files, workspaces.Options{Alone: alone, Load: c.load, Reload: reload, Log: w.log,
		Version: version(), Stages: stages,
		Listening: func(addr string) { w.log.Info().Str(workflows.LogListen, addr).Msg("listening for operators") }})
	w.log.Info().Msg("stopped")
	if errors.Is(err, workspaces.ErrNothing) {
		return exitError{exitFault, "no configuration is without faults; nothing was started"}
	}
	return err
}

// judge prints all faults, and answers an error where nothing can be started. Where others are
// without faults, they are.
func (c runCmd) judge(w *world, files []config.File, alone bool) error {
	if len(files) == 0 {
		return exitError{exitFault, nothingThere(c.Config)}
	}
	if alone && files[0].Config == nil {
		return exitError{exitFault, files[0].Faults[0].Problem}
	}
	for _, f := range files {
		printFaults(w.err, f.Faults)
	}
	if alone && len(files[0].Faults) > 0 {
		return exitError{exitFault, fmt.Sprintf("%s has %s; nothing was started", c.Config[0],
			count(len(files[0].Faults), "fault"))}
	}
	return nil
}
