package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/chain"
)

// Errors of opening and checking. Compare with errors.Is; each message says what to do.
var (
	// ErrShards: the database was first used with another shard count.
	ErrShards = errors.New("the shard count differs from the one this database was first used with")
	// ErrPrefix: the prefix of the keys is none.
	ErrPrefix = errors.New("the prefix of the keys is not possible")
	// ErrSealKey: a seal key is not one of 32 bytes.
	ErrSealKey = errors.New("a seal key has exactly 32 bytes")
	// ErrSealed: the record is sealed, and no key was given, so nothing may be stored.
	ErrSealed = errors.New("the record is sealed: set KEYHOLDER_SEAL_KEY as for keyholder run")
	// ErrLayout: the database was written by a version of Keyholder with another layout of keys.
	ErrLayout = errors.New("the database has another layout of keys")
	// ErrEviction: the server may throw records away when its memory is full.
	ErrEviction = errors.New("the server may throw records away: set maxmemory-policy noeviction")
	// ErrServer: the server is too old, a replica, or a cluster that was not configured as one.
	ErrServer = errors.New("the server cannot be used")
	// ErrClock: this machine's clock is more than [MaxClockDistance] from the server's.
	ErrClock = errors.New("the clock is too far from the Redis server's: synchronise both machines, as with NTP")
	// ErrReplicas: a master's replicas do not confirm what is written there, so no commit can be confirmed.
	ErrReplicas = errors.New("no replica confirms what is written: start one, or mend the network between them")
	// ErrPartly: some masters of a cluster cannot be used; the shards of the others can.
	ErrPartly = errors.New("a part of the cluster cannot be used")
	// ErrNoEvent: there is no event of that number.
	ErrNoEvent = errors.New("no such event")
	// ErrMisuse: the change cannot be stored as it is; nothing was sent. A fault of the program.
	ErrMisuse = errors.New("the change cannot be stored")
)

// notRun lists the answers with which Redis says that it did not run a command, a script included:
// each check comes before the script's first write.
var notRun = []string{"LOADING", "READONLY", "CLUSTERDOWN", "MASTERDOWN", "NOREPLICAS", "TRYAGAIN", "MOVED", "ASK",
	"OOM", "MISCONF",
	"BUSY", "NOAUTH", "NOPERM", "WRONGPASS", "NOSCRIPT", "CROSSSLOT", "EXECABORT", "ERR max number of clients",
	"ERR Client sent AUTH",
	"ERR unknown command", "ERR DB index", "ERR invalid password", "UNBLOCKED"}

// refused reports whether err is an answer of the server that it did not run the command. Redis 6
// reports errors from within a script in the middle of the sentence, behind a hyphen.
func refused(err error) bool {
	var answer redis.Error
	if !errors.As(err, &answer) {
		return false
	}
	text := answer.Error()
	for _, p := range notRun {
		if strings.HasPrefix(text, p) || strings.Contains(text, ": -"+p+" ") {
			return true
		}
	}
	return false
}

// unsent reports whether err arose before anything was sent.
func unsent(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	return errors.As(err, &op) && op.Op == "dial" || errors.As(err, &dns) ||
		errors.Is(err, redis.ErrPoolTimeout) || errors.Is(err, redis.ErrPoolExhausted) ||
		errors.Is(err, redis.ErrClosed)
}

// written classifies the error of a write: what was refused or never sent is ErrAway, an answer of
// the script itself is a fault, and all else may or may not have happened.
func written(verb string, err error) error {
	var answer redis.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, workflows.ErrAway), errors.Is(err, workflows.ErrUnclear):
		return fmt.Errorf("%s: %w", verb, err)
	case refused(err), unsent(err):
		return fmt.Errorf("%s: %w: %w", verb, workflows.ErrAway, err)
	case errors.As(err, &answer):
		return fmt.Errorf("%s: the server could not run it: %w", verb, err)
	default:
		return fmt.Errorf("%s: %w: %w", verb, workflows.ErrUnclear, err)
	}
}

// readError classifies the error of a read: only an answer of the server that has nothing to do
// with its condition is a fault.
func readError(verb string, err error) error {
	var answer redis.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &answer) && !refused(err):
		return fmt.Errorf("%s: %w", verb, err)
	default:
		return fmt.Errorf("%s: %w: %w", verb, workflows.ErrAway, err)
	}
}

// done answers ErrAway when ctx ended before anything was sent.
func done(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil {
		return fmt.Errorf("%w: %w", workflows.ErrAway, err)
	}
	return nil
}

// isAnswer reports whether the server said it, as opposed to the connection having failed.
func isAnswer(err error) bool {
	var answer redis.Error
	return errors.As(err, &answer)
}

func isBroken(err error) bool { return errors.Is(err, chain.ErrBroken) }
