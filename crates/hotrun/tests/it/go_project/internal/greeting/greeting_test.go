package greeting

import "testing"

func TestFor(t *testing.T) {
	if For("x") == "" {
		t.Fatal("empty")
	}
}
