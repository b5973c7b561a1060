from tests.security.table import write

write()
