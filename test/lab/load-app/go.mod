module loadapp

go 1.21
