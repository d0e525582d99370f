package integrator

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
)

// runningJobs counts the jobs that are under way or waiting. POST /v1/jobs/current reads, too; where it is not offered or not
// understood the list of jobs is asked by status.
func (s *session) runningJobs(ctx context.Context) (int, error) {
	seen := map[string]bool{}
	a, err := s.do(ctx, http.MethodPost, "/v1/jobs/current", struct{}{})
	if err == nil {
		if err = countJobs(a, seen); err == nil {
			return len(seen), nil
		}
	} else if !refusedForGood(err) {
		return 0, err
	}
	for _, wanted := range []string{"running", "queued", "retrying"} {
		l, listErr := s.list(ctx, "/v1/jobs", url.Values{"status": {wanted}}, manyRows)
		if listErr != nil {
			return 0, listErr
		}
		for _, row := range l.rows {
			addJob(row, seen)
		}
	}
	return len(seen), nil
}

func countJobs(a answer, seen map[string]bool) error {
	rows, _, err := decodeRows(a)
	for _, r := range rows {
		addJob(r, seen)
	}
	return err
}

// addJob counts a job once, if it is under way. One that does not tell its status counts: it was asked for by status.
func addJob(row json.RawMessage, seen map[string]bool) {
	var job struct {
		ID     string `json:"_id"`
		Status string `json:"status"`
	}
	if json.Unmarshal(row, &job) != nil {
		return
	}
	switch job.Status {
	case "", "running", "queued", "retrying":
		if job.ID == "" {
			job.ID = string(row)
		}
		seen[job.ID] = true
	}
}
