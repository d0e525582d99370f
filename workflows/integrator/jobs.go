package integrator

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
)

// runningJobs counts the jobs that are under way or waiting. POST /v1/jobs/current reads, too;
// where it is not offered or not understood the list of jobs is asked by status.
func (s *session) runningJobs(ctx context.Context) (int, error) {
	seen := map[string]bool{}
	l, err := s.pages(ctx, http.MethodPost, "/v1/jobs/current", nil, manyRows, struct{}{})
	var unreadable *unreadableError
	if err == nil {
		addJobs(l.rows, seen)
		return len(seen), nil
	}
	if !refusedForGood(err) && !errors.As(err, &unreadable) {
		return 0, err
	}
	for _, wanted := range []string{"running", "queued", "retrying"} {
		l, err := s.list(ctx, "/v1/jobs", url.Values{"status": {wanted}}, manyRows)
		if err != nil {
			return 0, err
		}
		addJobs(l.rows, seen)
	}
	return len(seen), nil
}

// addJobs counts each job once that is under way. One that does not tell its status counts: it was asked for by status.
func addJobs(rows []json.RawMessage, seen map[string]bool) {
	for _, row := range rows {
		var job struct {
			ID     string `json:"_id"`
			Status string `json:"status"`
		}
		if json.Unmarshal(row, &job) != nil {
			continue
		}
		switch job.Status {
		case "", "running", "queued", "retrying":
			if job.ID == "" {
				job.ID = string(row)
			}
			seen[job.ID] = true
		}
	}
}
