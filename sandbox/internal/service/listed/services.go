package listed

// services make a service by its name.
var services = map[string]func() *service{"heat": heat, "magnum": magnum, "octavia": octavia, "trove": trove}
