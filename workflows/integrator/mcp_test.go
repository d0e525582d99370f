package integrator

import (
	"encoding/json"
	"slices"
	"testing"
)

// TestMCPServersOfAUserAreReadAndBreakNothing: they decide nothing, so a shape that nobody knows is no fault.
func TestMCPServersOfAUserAreReadAndBreakNothing(t *testing.T) {
	for raw, want := range map[string][]string{
		`[{"_mcpServerId":"m1","scopes":["mcp:read","mcp:write"]},{"_mcpServerId":"m2"}]`: {"m1 (read, write)", "m2"},
		`[{"_mcpServerId":7,"scopes":["mcp:read"]},{"scopes":["mcp:read"]}]`:              nil,
		`[{"_mcpServerId":"m1","scopes":[null,"own"]}]`:                                   {"m1 (own)"},
		`"all"`: nil, `null`: nil, `{}`: nil, `[]`: nil,
	} {
		var a ashare
		record := `{"_id":"1","allMcpServerAccess":true,"mcpServerAccessLevel":` + raw + `}`
		if err := json.Unmarshal([]byte(record), &a); err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		if u := a.user(); !u.AllMCP || !slices.Equal(u.MCP, want) {
			t.Errorf("%s: %v %q, want %q", raw, u.AllMCP, u.MCP, want)
		}
	}
}
