package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// EnvFile reads variables from a file as docker --env-file and systemd's EnvironmentFile take it: NAME=VALUE on each
// line, the value as it stands; empty lines and those that begin with # mean nothing. A process cannot be given a new
// environment, so this is how a workspace that is added while it runs gets its tokens. Errors are sentences with the
// line, and never show what stands there.
func EnvFile(path string) (map[string]string, error) {
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no file %s. Name another with --env-file, or leave it out: %w", path,
			fs.ErrNotExist)
	case err != nil:
		return nil, fmt.Errorf("read the variables: %w", err)
	}
	vars := map[string]string{}
	for i, line := range strings.Split(string(lineFeeds(data)), "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok || !variableName.MatchString(name) {
			return nil, fmt.Errorf("%s:%d: this line is not NAME=VALUE (it is not shown, for it may hold a secret). "+
				"Write one variable a line, without quotes and without export", path, i+1)
		}
		if _, twice := vars[name]; twice {
			return nil, fmt.Errorf("%s:%d: %s stands there twice. Keep the line that is meant", path, i+1, name)
		}
		vars[name] = value
	}
	return vars, nil
}
