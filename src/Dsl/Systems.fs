namespace Leith
