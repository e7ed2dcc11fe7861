package registry

// Address is where the registry of that name listens.
var Address = address
