package config

import (
	"testing"
)

func TestTemplateOfNoAnswersIsWithoutFault(t *testing.T) {
	_, faults := Parse(Template(Answers{}), "keyholder.yaml", testEnv)
	for _, f := range faults {
		t.Error(f)
	}
}
