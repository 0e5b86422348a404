package security

import (
	"maps"
	"testing"
)

func TestJAASLines(t *testing.T) {
	const plain = "org.apache.kafka.common.security.plain.PlainLoginModule"
	for text, want := range map[string]map[string]string{
		plain + ` required username="admin" password="admin-secret" user_admin="admin-secret" user_alice="alice-secret";`: {"admin": "admin-secret", "alice": "alice-secret"},
		plain + " required\n  user_a=\"a \\\" b\"\n\tuser_b = 'x' ;":                                                      {"a": `a " b`, "b": "'x'"},
		plain + ` required user_bare=word;`:                                                                               {"bare": "word"},
		plain + ` required;`:                                                                                              {},
		`org.apache.kafka.common.security.scram.ScramLoginModule required;`:                                               {},
	} {
		j, err := ParseJAAS(text)
		if err != nil || !maps.Equal(j.Users(), want) {
			t.Errorf("%s: %v, %v", text, j.Users(), err)
		}
	}
	for _, text := range []string{"", ";", plain, plain + " required", plain + " needed;", plain + ` required user_a="x;`, plain + " required word;", plain + " required; " + plain + " required;"} {
		if _, err := ParseJAAS(text); err == nil {
			t.Errorf("%q is a line", text)
		}
	}
}

// Only Kafka's own login modules may be named: a class that is loaded by name can reach out.
func TestCVE_2023_25194_OnlyKnownLoginModules(t *testing.T) {
	for _, module := range []string{
		"com.sun.security.auth.module.JndiLoginModule", "com.sun.security.auth.module.LdapLoginModule", "org.example.PlainLoginModule", "PlainLoginModule",
		"com.sun.security.auth.module.Krb5LoginModule",
	} {
		if _, err := ParseJAAS(module + ` required user.provider.url="ldap://evil";`); err == nil {
			t.Errorf("%s may be named", module)
		}
	}
	j, _ := ParseJAAS("org.apache.kafka.common.security.scram.ScramLoginModule required;")
	if j.Check(Plain) == nil || j.Check(ScramSHA512) != nil {
		t.Error("a module fits its mechanism only")
	}
}
